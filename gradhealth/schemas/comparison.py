"""What changed between two results of the same network."""

from typing import Literal

from ..documents.base import Record
from .finding import Severity

Standing = Literal["worse", "better", "same"]


class ProblemChange(Record):
    """A problem in one of two results, or in both; null where it was not found."""

    problem: str
    before: Severity | None
    after: Severity | None
    standing: Standing


class NumberChange(Record):
    """A number in both results.

    Attributes:
        difference: after - before.
        relative: The difference over |before|; null where that is 0.
        noise: Differences up to this are within the spread over the seeds.
    """

    statistic: str
    before: float
    after: float
    difference: float
    relative: float | None
    noise: float
    standing: Standing


class Comparison(Record):
    """A result beside its baseline."""

    standing: Standing
    summary: str
    problems: list[ProblemChange] = []
    numbers: list[NumberChange] = []
