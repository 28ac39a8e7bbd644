"""What a project may use: open analyses, work a day, stored bytes.

What is used is remembered for a moment, so requests of the same moment may together
get a little further than the limit.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from storage.access.usage import UsageStore
from storage.database.session import Sessions

from ..config import ServiceSettings
from ..exceptions import QueueFullError, StorageFullError, WorkSpentError
from .callers import Caller

# A sum over all analyses of a project is dearer than a count of the open ones.
OPEN_REMEMBERED_SECONDS = 1.0
SUMS_REMEMBERED_SECONDS = 10.0
# Long enough for an analysis to end.
RETRY_SECONDS = 10.0
MOST_REMEMBERED = 10_000


class UsageMemory:
    """What projects were found to use, for as long as that may be believed."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[float, float]] = {}

    async def recall(
        self,
        project: str,
        what: str,
        look: Callable[[], Awaitable[float]],
        *,
        seconds: float,
    ) -> float:
        """A number that was looked up no longer ago than `seconds`."""
        now = time.monotonic()
        number, until = self._known.get((project, what), (0.0, now))
        if until > now:
            return number
        number = await look()
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[project, what] = number, now + seconds
        return number

    def add(self, project: str, what: str, number: float) -> None:
        """Count what was just added, so that it need not be looked up again."""
        if (project, what) in self._known:
            known, until = self._known[project, what]
            self._known[project, what] = known + number, until


class Quotas:
    """Holds a caller's project to its limits; without keys there are none.

    Args:
        sessions: Where the usage is looked up.
        settings: The limits.
        memory: What was looked up lately, for all callers.
        caller: Who asks.
    """

    def __init__(
        self,
        sessions: Sessions,
        settings: ServiceSettings,
        memory: UsageMemory,
        caller: Caller,
    ) -> None:
        self._project = caller.project
        self._usage = UsageStore(sessions, caller.project or "")
        self._settings = settings
        self._memory = memory

    async def check_room(self, num_bytes: int) -> None:
        """Before anything is stored.

        Raises:
            StorageFullError: There is no room for so many bytes.
        """
        limit = self._settings.project_stored_bytes
        if self._project is None or limit is None:
            return
        stored = await self._memory.recall(
            self._project,
            "stored",
            self._usage.stored_bytes,
            seconds=SUMS_REMEMBERED_SECONDS,
        )
        if stored + num_bytes > limit:
            raise StorageFullError(limit)
        self._memory.add(self._project, "stored", num_bytes)

    async def check_queue(self) -> None:
        """Before an analysis is queued for the workers.

        Raises:
            QueueFullError: As many as may be are queued and running.
            WorkSpentError: The day's seconds are used up.
        """
        if self._project is None:
            return
        await self._check_open(self._project, self._settings.project_open_analyses)
        if self._settings.project_work_seconds is not None:
            await self._check_work(self._project, self._settings.project_work_seconds)

    async def _check_open(self, project: str, limit: int) -> None:
        count = await self._memory.recall(
            project,
            "open",
            self._usage.open_analyses,
            seconds=OPEN_REMEMBERED_SECONDS,
        )
        if count >= limit:
            raise QueueFullError(limit, RETRY_SECONDS)
        self._memory.add(project, "open", 1)

    async def _check_work(self, project: str, limit: float) -> None:
        now = datetime.now(UTC)
        spent = await self._memory.recall(
            project,
            f"work {now.date()}",
            lambda: self._usage.work_seconds(now.date()),
            seconds=SUMS_REMEMBERED_SECONDS,
        )
        if spent >= limit:
            midnight = datetime.combine(now.date() + timedelta(days=1), now.time().min)
            left = midnight.replace(tzinfo=UTC) - now
            raise WorkSpentError(limit, left.total_seconds())
