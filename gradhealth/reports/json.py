"""The result as it is, for programs."""

from collections.abc import Sequence
from typing import ClassVar

from ..document import Record
from ..schemas.analysis import Result
from .base import Report, Subject


class JsonItem(Record):
    """One subject: its result, or why there is none."""

    name: str
    error: str | None = None
    result: Result | None = None


class JsonItems(Record):
    """Several subjects."""

    items: list[JsonItem]


class JsonReport(Report):
    """One object for one subject, `{"items": [...]}` for several or none."""

    format: ClassVar[str] = "json"
    media_type: ClassVar[str] = "application/json"

    def render(self, subjects: Sequence[Subject]) -> str:
        """The results; numbers that are not finite are strings."""
        items = [
            JsonItem(name=each.name, error=each.error, result=each.result)
            for each in subjects
        ]
        document = items[0] if len(items) == 1 else JsonItems(items=items)
        return document.model_dump_json(indent=2)
