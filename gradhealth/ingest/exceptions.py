"""What is wrong with a log."""

from typing import Self

from ..exceptions import InvalidDocumentError, Problem


class IngestError(InvalidDocumentError):
    """A file that cannot be read as a log, with the place where it goes wrong.

    Args:
        message: What is wrong and what to do instead.
        pointer: JSON pointer into a JSON document; lines are named in the message.
    """

    code = "unreadable_log"

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__([Problem(pointer, message)])

    def __str__(self) -> str:
        first = self.problems[0]
        return f"{first.pointer}: {first.message}" if first.pointer else first.message

    @classmethod
    def of(cls, error: InvalidDocumentError) -> Self:
        """The same mistakes."""
        made = cls(str(error))
        made.problems = error.problems
        return made


class LogTooLargeError(IngestError):
    """A log that is larger than what may be read."""

    code = "log_too_large"


class UnknownFormatError(IngestError):
    """A log in no known format, or in more than one."""
