"""Forgets what is old."""

from datetime import datetime, timedelta

from sqlalchemy import Select, delete, func, select

from gradhealth.schemas.analysis import FINAL

from .analyses.records import now
from .database.session import Sessions
from .tables import AnalysisRow, DeliveryRow, RunRow, SignInRow, UsageRow
from .uploads.content import forget_uploads

# So many at once keep a transaction short: others write meanwhile.
_BATCH = 200
# To look up what was told, and to tell it again.
DELIVERIES_KEPT = timedelta(days=7)
_USAGE_KEPT = timedelta(days=31)


class Retention:
    """Deletes what nobody is to keep any longer.

    Args:
        kept: How long finished analyses and quiet runs are kept; None for ever.
    """

    def __init__(self, sessions: Sessions, kept: timedelta | None) -> None:
        self._sessions = sessions
        self._kept = kept

    async def purge(self) -> int:
        """Delete finished analyses and quiet runs of that age, and ended sign-ins.

        What is queued or running stays, however old it is, and so does a run whose
        last batch is young.

        Returns:
            How many analyses and runs.
        """
        async with self._sessions.writing() as session:
            await session.execute(delete(SignInRow).where(SignInRow.expires_at < now()))
            oldest = (now() - _USAGE_KEPT).date()
            await session.execute(delete(UsageRow).where(UsageRow.day < oldest))
            told = DeliveryRow.ended_at < now() - DELIVERIES_KEPT
            await session.execute(delete(DeliveryRow).where(told))
        num_deleted = 0
        if self._kept is not None:
            end = now() - self._kept
            num_deleted += await self._purge(AnalysisRow, _old_analyses(end))
            num_deleted += await self._purge(RunRow, _old_runs(end))
        async with self._sessions.writing() as session:
            # Those of what is gone, also where two that shared one went at once.
            await forget_uploads(session)
        return num_deleted

    async def _purge(self, table: type[AnalysisRow | RunRow], old: Select[str]) -> int:
        total, deleted = 0, _BATCH
        while deleted == _BATCH:
            async with self._sessions.writing() as session:
                gone = await session.execute(
                    delete(table)
                    .where(table.id.in_(old.limit(_BATCH)))
                    .returning(table.id)
                    .execution_options(synchronize_session=False)
                )
                deleted = len(gone.all())
            total += deleted
        return total


def _old_analyses(end: datetime) -> Select[str]:
    # What was created later cannot have ended earlier, and creation has an index.
    return (
        select(AnalysisRow.id)
        .where(
            AnalysisRow.created_at < end,
            AnalysisRow.finished_at < end,
            AnalysisRow.status.in_(FINAL),
        )
        .order_by(AnalysisRow.created_at)
    )


def _old_runs(end: datetime) -> Select[str]:
    latest = func.coalesce(RunRow.updated_at, RunRow.created_at)
    return (
        select(RunRow.id)
        .where(RunRow.created_at < end, latest < end)
        .order_by(RunRow.created_at)
    )
