"""What a report is, and how a format is found: one module of this folder each."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..registry import subclasses_in
from ..schemas.analysis import Result, Source
from ..schemas.comparison import Comparison
from ..schemas.finding import Finding


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is reported on.

    Attributes:
        name: What the reader calls it: a file, or the spec's name.
        result: What was found; None when there is none.
        error: Why there is no result.
        error_line: Where in the file that is, from 1.
        source: The file it came from, for reports that point at lines.
        blocking: Problems for which the gate failed; null where no gate was asked, and
            the critical ones stand for them.
        comparison: With an earlier result of the same.
        run: Which run of the file it is, where a log has several; the name says it too.
    """

    name: str
    result: Result | None = None
    error: str | None = None
    source: Source | None = None
    blocking: frozenset[str] | None = None
    comparison: Comparison | None = None
    run: str = ""
    error_line: int = 1

    @property
    def findings(self) -> list[Finding]:
        """What was found; nothing where there is no result."""
        return [] if self.result is None else self.result.findings

    def is_blocking(self, finding: Finding) -> bool:
        """Whether a finding fails the gate."""
        if self.blocking is None:
            return finding.severity == "critical"
        return finding.problem in self.blocking

    @property
    def path(self) -> str:
        """The file's path with forward slashes, else the name."""
        path = self.source.path if self.source and self.source.path else self.name
        return path.replace("\\", "/")

    @property
    def place(self) -> str:
        """The path, and the run of several: no two subjects of a report share it."""
        return f"{self.path}: {self.run}" if self.run else self.path

    @property
    def preface(self) -> str:
        """What a message about a file begins with, to say which run is meant."""
        return f"Run {self.run}: " if self.run else ""


class Report(ABC):
    """A rendering of results.

    Attributes:
        format: Its name in `--format`.
        media_type: Its name in HTTP.

    Args:
        link: Where the whole run is shown, for formats that may be cut.
    """

    format: ClassVar[str]
    media_type: ClassVar[str]

    def __init__(self, link: str | None = None) -> None:
        self._link = link

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
