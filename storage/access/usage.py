"""What a project uses: open analyses, seconds of work a day, bytes."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ..database.session import Sessions
from ..database.upserts import insert_into
from ..tables import OPEN, AnalysisRow, RunRow, UploadRow, UsageRow


class UsageStore:
    """Looks up what a project uses."""

    def __init__(self, sessions: Sessions, project: str) -> None:
        self._sessions = sessions
        self._project = project

    async def open_analyses(self) -> float:
        """Number of analyses that are queued or running."""
        return await self._number(
            select(func.count()).where(
                AnalysisRow.project == self._project, AnalysisRow.status.in_(OPEN)
            )
        )

    async def stored_bytes(self) -> float:
        """Bytes of what was sent and found, runs and uploads included."""
        return sum(
            [
                await self._number(
                    select(func.sum(row.stored_bytes)).where(
                        row.project == self._project
                    )
                )
                for row in (AnalysisRow, RunRow, UploadRow)
            ]
        )

    async def work_seconds(self, day: date) -> float:
        """Seconds that workers gave to the analyses that ended on a day, in UTC."""
        return await self._number(
            select(UsageRow.work_seconds).where(
                UsageRow.project == self._project, UsageRow.day == day
            )
        )

    async def _number(self, query: Any) -> float:
        async with self._sessions.reading() as session:
            return float((await session.execute(query)).scalar() or 0)


async def count_work(
    session: AsyncSession, project: str, began: datetime | None, ended: datetime
) -> None:
    """Add the time of an analysis that ends to its project's day.

    Args:
        session: The transaction in which it ends.
        project: Whose it is.
        began: When a worker took it; None when none did.
        ended: This moment.
    """
    if began is None:
        return
    seconds = (ended - began).total_seconds()
    await session.execute(
        insert_into(session, UsageRow)
        .values(project=project, day=ended.date(), work_seconds=seconds)
        .on_conflict_do_update(
            index_elements=["project", "day"],
            set_={"work_seconds": UsageRow.work_seconds + seconds},
        )
    )
