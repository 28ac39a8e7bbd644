"""The result as it is, for programs."""

from collections.abc import Sequence
from typing import ClassVar

from ..documents.base import Record
from ..schemas.analysis import Result
from ..schemas.comparison import Comparison
from .base import Report, Subject


class JsonItem(Record):
    """One subject: its result, or why there is none.

    Attributes:
        blocking: Problems that fail the gate; null where no gate was asked.
    """

    name: str
    error: str | None = None
    result: Result | None = None
    blocking: list[str] | None = None
    comparison: Comparison | None = None


class JsonItems(Record):
    """Several subjects."""

    items: list[JsonItem]


class JsonReport(Report):
    """One object for one subject, `{"items": [...]}` for several or none."""

    format: ClassVar[str] = "json"
    media_type: ClassVar[str] = "application/json"

    def render(self, subjects: Sequence[Subject]) -> str:
        """The results; numbers that are not finite are strings."""
        items = [_item(each) for each in subjects]
        document = items[0] if len(items) == 1 else JsonItems(items=items)
        return document.model_dump_json(indent=2)


def _item(subject: Subject) -> JsonItem:
    return JsonItem(
        name=subject.name,
        error=subject.error,
        result=subject.result,
        blocking=None if subject.blocking is None else sorted(subject.blocking),
        comparison=subject.comparison,
    )
