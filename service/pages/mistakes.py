"""What is wrong with a form, told where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from gradhealth.exceptions import Problem


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and where it stands in the text that was typed.

    Attributes:
        line: From 1; null where it is not in the text.
        excerpt: Lines around it, with their numbers.
    """

    message: str
    line: int | None = None
    excerpt: Sequence[tuple[int, str]] = ()


def named(problem: Problem) -> str:
    """A mistake in a field, with the field's name."""
    field = problem.pointer.strip("/")
    return f"{field}: {problem.message}" if field else problem.message
