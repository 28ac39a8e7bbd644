"""Analyses at a glance: what a list shows, without what was measured."""

from datetime import datetime

from ..documents.base import Record
from .analysis import Kind, Progress, Status
from .finding import Verdict


class Overview(Record):
    """One line of a list.

    Attributes:
        name: The file or the network; null where it has no name.
        verdict, primary, summary: Of its result; null where there is none.
        error: Why it failed.
    """

    id: str
    kind: Kind
    name: str | None
    project: str
    labels: dict[str, str]
    status: Status
    progress: Progress
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    verdict: Verdict | None
    primary: str | None
    summary: str | None
    error: str | None


class OverviewPage(Record):
    """One page of a list, newest first."""

    items: list[Overview]
    next_cursor: str | None = None
