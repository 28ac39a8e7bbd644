"""Errors a caller can act on; each class carries a stable `code`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

# Whoever sent a document mends the first few and sends it again.
MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document.

    Attributes:
        pointer: RFC 6901 JSON pointer into the document as sent ("" is the whole).
        message: What is wrong and what to write instead.
    """

    pointer: str
    message: str


class GradHealthError(Exception):
    """Base of every error this package raises on purpose."""

    code: ClassVar[str] = "error"


class InvalidDocumentError(GradHealthError):
    """A document (spec, trace, request) that cannot be used as it stands."""

    code = "invalid_document"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        first = self.problems[0]
        where = first.pointer or "the document"
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(f"{where}: {first.message}{more}")


class JobError(GradHealthError):
    """A unit of work that ended without a result, with a reason a user understands."""

    code = "job_failed"


class ChildCrashedError(JobError):
    """The child process died: a crash, a signal, or the machine out of memory."""

    code = "child_crashed"


class OutOfMemoryError(JobError):
    """The job needed more memory than its limit."""

    code = "out_of_memory"


class TimeLimitError(JobError):
    """The job ran longer than its limit and was stopped."""

    code = "time_limit"
