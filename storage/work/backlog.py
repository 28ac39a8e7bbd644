"""How much waits for the workers, and for how long already."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias, get_args

from sqlalchemy import func, select

from gradhealth.schemas.analysis import Device, Status

from ..analyses.records import now
from ..database.session import Sessions
from ..tables import OPEN, AnalysisRow

# Names of projects would be numbers without bound. What one wants to know is whether
# those with many analyses delay those with few.
ProjectClass: TypeAlias = Literal["light", "heavy"]
CLASSES: tuple[ProjectClass, ...] = get_args(ProjectClass)
QUEUES: tuple[Device, ...] = get_args(Device)
# Open analyses of a project up to which it is light: what a person starts by hand.
LIGHT = 10


@dataclass(slots=True)
class Backlog:
    """The open analyses of one class of projects in one queue.

    Attributes:
        oldest_seconds: How long the oldest queued one has waited; 0 without any.
    """

    queued: int = 0
    running: int = 0
    oldest_seconds: float = 0.0

    def add(self, status: Status, number: int, oldest_seconds: float) -> None:
        """Count the analyses of a project in one status."""
        if status == "running":
            self.running += number
        else:
            self.queued += number
            self.oldest_seconds = max(self.oldest_seconds, oldest_seconds)


class BacklogStore:
    """Looks at all projects' queued and running analyses."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def by_class(self) -> Mapping[tuple[Device, ProjectClass], Backlog]:
        """The backlog of each queue, of projects with few and with many analyses."""
        columns = (AnalysisRow.project, AnalysisRow.queue, AnalysisRow.status)
        query = (
            select(*columns, func.count(), func.min(AnalysisRow.created_at))
            .where(AnalysisRow.status.in_(OPEN))
            .group_by(*columns)
        )
        async with self._sessions.reading() as session:
            rows = (await session.execute(query)).all()
        num_open = Counter[str]()
        for project, _, _, number, _ in rows:
            num_open[project] += number
        backlogs = {key: Backlog() for key in product(QUEUES, CLASSES)}
        moment = now()
        for project, queue, status, number, oldest in rows:
            size: ProjectClass = "light" if num_open[project] <= LIGHT else "heavy"
            seconds = (moment - oldest).total_seconds()
            backlogs[queue, size].add(status, number, seconds)
        return backlogs
