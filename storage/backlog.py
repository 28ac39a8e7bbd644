"""How much waits for the workers, and for how long already."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import func, select

from gradhealth.schemas.analysis import Status

from .records import now
from .session import Sessions
from .tables import OPEN, AnalysisRow

# Names of projects would be numbers without bound. What one wants to know is whether
# those with many analyses delay those with few.
ProjectClass: TypeAlias = Literal["light", "heavy"]
# Open analyses of a project up to which it is light: what a person starts by hand.
LIGHT = 10


@dataclass(slots=True)
class Backlog:
    """The open analyses of one class of projects.

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

    async def by_class(self) -> Mapping[ProjectClass, Backlog]:
        """The backlog of projects with few and of those with many open analyses."""
        columns = (AnalysisRow.project, AnalysisRow.status)
        query = (
            select(*columns, func.count(), func.min(AnalysisRow.created_at))
            .where(AnalysisRow.status.in_(OPEN))
            .group_by(*columns)
        )
        projects = defaultdict[str, list[tuple[Status, int, float]]](list)
        moment = now()
        async with self._sessions.reading() as session:
            for project, status, number, oldest in await session.execute(query):
                seconds = (moment - oldest).total_seconds()
                projects[project].append((status, number, seconds))
        backlogs: dict[ProjectClass, Backlog] = {"light": Backlog(), "heavy": Backlog()}
        for portions in projects.values():
            num_open = sum(number for _, number, _ in portions)
            backlog = backlogs["light" if num_open <= LIGHT else "heavy"]
            for portion in portions:
                backlog.add(*portion)
        return backlogs
