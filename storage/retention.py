"""Forgets what is old."""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import FINAL

from .records import now
from .session import Sessions
from .tables import AnalysisRow, SignInRow, UsageRow

# So many at once keep a transaction short: others write meanwhile.
_BATCH = 200
_USAGE_KEPT = timedelta(days=31)


class Retention:
    """Deletes what nobody is to keep any longer.

    Args:
        kept: How long finished analyses are kept; None for ever.
    """

    def __init__(self, sessions: Sessions, kept: timedelta | None) -> None:
        self._sessions = sessions
        self._kept = kept

    async def purge(self) -> int:
        """Delete finished analyses of that age, and ended sign-ins; how many analyses.

        What is queued or running stays, however old it is.
        """
        async with self._sessions.writing() as session:
            await session.execute(delete(SignInRow).where(SignInRow.expires_at < now()))
            oldest = (now() - _USAGE_KEPT).date()
            await session.execute(delete(UsageRow).where(UsageRow.day < oldest))
        if self._kept is None:
            return 0
        total, deleted = 0, _BATCH
        while deleted == _BATCH:
            async with self._sessions.writing() as session:
                deleted = await _delete_batch(session, self._kept)
            total += deleted
        return total


async def _delete_batch(session: AsyncSession, kept: timedelta) -> int:
    end = now() - kept
    # What was created later cannot have ended earlier, and creation has an index.
    old = (
        select(AnalysisRow.id)
        .where(
            AnalysisRow.created_at < end,
            AnalysisRow.finished_at < end,
            AnalysisRow.status.in_(FINAL),
        )
        .order_by(AnalysisRow.created_at)
        .limit(_BATCH)
    )
    gone = await session.execute(
        delete(AnalysisRow)
        .where(AnalysisRow.id.in_(old))
        .returning(AnalysisRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
