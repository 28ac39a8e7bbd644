"""The form for a new analysis: what was typed, and where it is wrong."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from pydantic import TypeAdapter, ValidationError

from gradhealth.documents.strict_json import parse_object
from gradhealth.exceptions import GradHealthError, InvalidDocumentError, Problem
from gradhealth.reports.locations import line_at
from gradhealth.schemas.analysis import (
    AnalysisRequest,
    AnyRequest,
)
from gradhealth.schemas.problems import problems_of

from ..requests.bodies import Body
from .mistakes import Mistake, named

# Lines of the spec that are shown around a mistake.
NUM_AROUND = 1
# A longer text is not sent along: reports then point at no line.
MAX_SOURCE_CHARACTERS = 1_000_000

_REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(AnalysisRequest)


@dataclass(frozen=True, slots=True)
class Submission:
    """The fields of the form, as they were typed.

    Attributes:
        token: The same for a form that is sent twice.
    """

    spec: str
    kind: str = "architecture"
    project: str = "default"
    labels: str = ""
    verify_fixes: bool = True
    token: str = ""

    @classmethod
    def blank(cls, spec: str, project: str = "default") -> "Submission":
        """A form to begin with."""
        return cls(spec, project=project, token=secrets.token_urlsafe(16))

    @classmethod
    def parse(cls, form: bytes) -> "Submission":
        """Read a body of `application/x-www-form-urlencoded`."""
        text = form.decode(errors="replace")
        fields = {name: values[-1] for name, values in parse_qs(text).items()}
        return cls(
            # Forms end their lines as in the days of teletypes.
            spec=fields.get("spec", "").replace("\r\n", "\n"),
            kind=fields.get("kind", "architecture"),
            project=fields.get("project", "").strip() or "default",
            labels=fields.get("labels", ""),
            verify_fixes="verify_fixes" in fields,
            token=fields.get("token", ""),
        )

    @property
    def idempotency_key(self) -> str:
        """The same for the same form with the same content."""
        parts = [self.token, self.spec, self.kind, self.project, self.labels]
        text = json.dumps([*parts, self.verify_fixes])
        return hashlib.sha256(text.encode()).hexdigest()

    def to_body(self, *, max_values: int) -> Body[AnyRequest]:
        """The request that the form stands for.

        Raises:
            InvalidDocumentError: It is none; pointers are into the request.
        """
        text = self.spec.encode()
        document: dict[str, Any] = {
            "kind": self.kind,
            "spec": parse_object(text, max_values=max_values),
            "project": self.project,
            "labels": _labels(self.labels),
        }
        if self.kind == "architecture":
            short = len(self.spec) <= MAX_SOURCE_CHARACTERS
            document["options"] = {
                "verify_fixes": self.verify_fixes,
                "source": {"text": self.spec if short else None},
            }
        try:
            content = _REQUEST.validate_python(document)
        except ValidationError as error:
            raise InvalidDocumentError(problems_of(error, document)) from error
        return Body(content, hashlib.sha256(text).hexdigest(), len(text))

    def mistakes(self, error: GradHealthError) -> list[Mistake]:
        """What is wrong, with the lines of the spec where it stands there."""
        if not isinstance(error, InvalidDocumentError):
            return [Mistake(str(error))]
        malformed = self._malformed_line()
        return [self._mistake(problem, malformed) for problem in error.problems]

    def _malformed_line(self) -> int | None:
        """Where the spec stops being JSON."""
        try:
            json.loads(self.spec)
        except json.JSONDecodeError as error:
            return error.lineno
        except RecursionError:
            return 1
        return None

    def _mistake(self, problem: Problem, malformed: int | None) -> Mistake:
        if malformed is not None:
            line = malformed
        elif problem.pointer.startswith("/spec") or not problem.pointer:
            line = line_at(problem.pointer.removeprefix("/spec"), self.spec)
        else:
            return Mistake(named(problem))
        lines = self.spec.split("\n")
        first, last = max(1, line - NUM_AROUND), min(len(lines), line + NUM_AROUND)
        excerpt = [(n, lines[n - 1]) for n in range(first, last + 1)]
        return Mistake(problem.message, line, excerpt)


def _labels(text: str) -> Mapping[str, str]:
    """`branch:main, commit:1a2b3c` as a mapping.

    Raises:
        InvalidDocumentError: One has no colon.
    """
    pairs = [part.strip() for part in text.split(",") if part.strip()]
    wrong = [pair for pair in pairs if ":" not in pair]
    if wrong:
        message = f"write labels as key:value, with commas between; not {wrong[0]!r}"
        raise InvalidDocumentError([Problem("/labels", message)])
    named = (pair.partition(":") for pair in pairs)
    return {key.strip(): value.strip() for key, _, value in named}
