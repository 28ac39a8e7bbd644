"""What a report is, and how a format is found: one module of this folder each."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..registry import subclasses_in
from ..schemas.analysis import Result


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is reported on.

    Attributes:
        name: What the reader calls it: a file, or the spec's name.
        result: What was found; None when there is none.
        error: Why there is no result.
    """

    name: str
    result: Result | None = None
    error: str | None = None


class Report(ABC):
    """A rendering of results.

    Attributes:
        format: Its name in `--format`.
        media_type: Its name in HTTP.
    """

    format: ClassVar[str]
    media_type: ClassVar[str]

    @abstractmethod
    def render(self, subjects: Sequence[Subject]) -> str:
        """The report on any number of subjects."""


def reports() -> dict[str, type[Report]]:
    """Every report by its format."""
    return {
        report.format: report
        for report in subclasses_in(__package__, Report)
        if not inspect.isabstract(report)
    }
