"""What an analysis says on its way, before its result is whole."""

from typing import TypeAlias

from ..documents.base import Record
from .analysis import AnalysisError, Progress, Status
from .finding import Finding, Verdict
from .fix import Fix, Trial


class TriedFix(Record):
    """A fix and what its trial showed; the spec stands in the result."""

    name: str
    title: str
    trial: Trial

    @classmethod
    def of(cls, fix: Fix) -> "TriedFix | None":
        """From a fix; nothing for one that was not tried."""
        if fix.trial is None:
            return None
        return cls(name=fix.name, title=fix.title, trial=fix.trial)


class Done(Record):
    """How an analysis ended; verdict and summary where it has a result."""

    status: Status
    verdict: Verdict | None = None
    summary: str | None = None
    error: AnalysisError | None = None


# What is kept for whoever looks later, in this order. Findings may still change their
# severity: what a sweep of learning rates shows belongs to the result alone.
Event: TypeAlias = Finding | TriedFix
# What the work tells; of its progress only the newest counts.
News: TypeAlias = Progress | Event
