"""The body of every answer that is an error: problem+json (RFC 9457)."""

from ..documents.base import Record


class ProblemError(Record):
    """One mistake.

    Attributes:
        pointer: JSON pointer into the body as sent; "" is the whole request.
        message: What is wrong and what to write instead.
    """

    pointer: str
    message: str


class ProblemDetails(Record):
    """An error, for people (`title`, `detail`) and for programs (`type`).

    Attributes:
        type: Stable name of the kind of problem.
        errors: The single mistakes, at most 20.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError] = []
