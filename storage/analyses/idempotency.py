"""Requests that come again under the same key."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..exceptions import IdempotencyConflictError
from ..tables import AnalysisRow
from .records import NewAnalysis


async def earlier_row(session: AsyncSession, new: NewAnalysis) -> AnalysisRow | None:
    """The analysis that the same request made before, in the same project.

    Raises:
        IdempotencyConflictError: Its key was used for another request.
    """
    query = select(AnalysisRow).where(
        AnalysisRow.project == new.project,
        AnalysisRow.idempotency_key == new.idempotency_key,
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is not None and row.request_hash != new.request_hash:
        raise IdempotencyConflictError(str(new.idempotency_key))
    return row
