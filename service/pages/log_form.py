"""The form for a log: what is said beside the file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic import ValidationError

from gradhealth.exceptions import GradHealthError, InvalidDocumentError
from gradhealth.schemas.problems import problems_of

from ..requests.log_query import LogQuery
from .mistakes import Mistake, named


@dataclass(frozen=True, slots=True)
class LogForm:
    """The fields of the form, as they were typed.

    Attributes:
        format: A format's name, or `auto`.
        map: Which of the log's names is what: `step:iteration,loss:train_loss`.
        labels: `branch:main, commit:1a2b3c`.
    """

    format: str = "auto"
    map: str = ""
    project: str = "default"
    labels: str = ""

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> "LogForm":
        """What was sent; fields that the form does not have are left out."""
        return cls(**{name: fields.get(name, x) for name, x in asdict(cls()).items()})

    def to_query(self) -> LogQuery:
        """How the file is to be read, and where it belongs.

        Raises:
            InvalidDocumentError: A field is wrong.
        """
        given = {
            "format": self.format,
            "map": self.map.replace(" ", ""),
            "project": self.project.strip() or "default",
            "label": [pair.strip() for pair in self.labels.split(",") if pair.strip()],
        }
        try:
            return LogQuery.model_validate(given)
        except ValidationError as error:
            raise InvalidDocumentError(problems_of(error, given)) from error


def mistakes_in(error: GradHealthError) -> list[Mistake]:
    """What is wrong with the file or with what was said about it."""
    if not isinstance(error, InvalidDocumentError):
        return [Mistake(str(error))]
    return [Mistake(named(problem)) for problem in error.problems]
