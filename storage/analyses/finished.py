"""Writes an analysis that is finished when it is stored."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import Analysis, Result

from ..tables import TraceRow
from ..webhooks.outbox import announce_end
from .events import save_events
from .records import NewAnalysis, insert_analysis, new_row, to_analysis
from .results import save_result, size_of


@dataclass(frozen=True, slots=True)
class Finished:
    """An analysis and its answer.

    Attributes:
        traces: The numbers behind it, compressed.
    """

    new: NewAnalysis
    result: Result
    traces: bytes | None = None


async def save_finished(session: AsyncSession, finished: Finished) -> Analysis:
    """Insert every row of it; an `IntegrityError` says that its key is in use."""
    new, result, traces = finished.new, finished.result, finished.traces
    row = new_row(new, status="succeeded")
    row.verdict = result.verdict
    row.stored_bytes += size_of(result) + len(traces or b"")
    connection = await session.connection()
    await connection.run_sync(insert_analysis, row, new.labels)
    await save_events(session, row.id, result.findings, after=0)
    await save_result(session, row.id, result)
    if traces is not None:
        session.add(TraceRow(analysis_id=row.id, chunk=traces))
    await announce_end(session, row.id, row.project)
    return to_analysis(row, new.labels, result)
