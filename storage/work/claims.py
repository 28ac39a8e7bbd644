"""Analyses as a worker sees them: claimed, held, and given back finished.

`attempts` is the fencing token. A claim carries it, and every write of the claimant
names it: once another worker has claimed the analysis, or somebody has cancelled or
deleted it, the former claimant's writes reach no row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.exceptions import ChildCrashedError
from gradhealth.schemas.analysis import (
    AnalysisError,
    Device,
    Kind,
    Options,
    Progress,
    Result,
    Status,
)
from gradhealth.schemas.event import Event

from ..analyses.events import count_events, save_events
from ..analyses.records import now
from ..analyses.results import save_result, size_of
from ..database.retry import patient
from ..database.session import Sessions
from ..tables import OPEN, AnalysisRow, TraceRow, UnitRow
from ..webhooks.outbox import announce_end
from .dispatch import Ticket
from .ends import count_end
from .tallies import tally


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on an analysis.

    Attributes:
        attempts: Number of attempts including this one; the fencing token.
        num_events: How many events earlier attempts have stored.
        kind: What is to be done: train an architecture, or read a log.
        queue: The queue it came from: what it is trained on.
        traceparent: The span in which it was asked for.
    """

    analysis_id: str
    attempts: int
    kind: Kind
    queue: Device
    spec: dict[str, Any]
    options: Options
    num_events: int
    traceparent: str | None = None


class ClaimStore:
    """Claims analyses for one worker, and writes what came of them.

    Every call waits for a database that is out of reach.

    Args:
        max_attempts: An analysis that did not end within so many attempts has failed.
    """

    def __init__(
        self, sessions: Sessions, *, worker_id: str, max_attempts: int
    ) -> None:
        self._sessions = sessions
        self._worker_id = worker_id
        self._max_attempts = max_attempts

    @patient
    async def begin(self, analysis_id: str) -> Claim | None:
        """Claim an open analysis; None when there is nothing (more) to do."""
        async with self._sessions.writing() as session:
            row = await session.get(AnalysisRow, analysis_id, with_for_update=True)
            if row is None or row.status not in OPEN:
                return None
            if row.attempts >= self._max_attempts:
                text = self._gave_up("the worker died")
                error = AnalysisError(code=ChildCrashedError.code, message=text)
                await _end(session, row, "failed", error)
                return None
            await _tally_begin(session, row)
            row.attempts += 1
            row.status = "running"
            row.phase = "starting"
            row.worker_id = self._worker_id
            row.started_at = row.started_at or now()
            num_events = await count_events(session, row.id)
            return Claim(
                analysis_id=row.id,
                attempts=row.attempts,
                kind=row.kind,
                queue=row.queue,
                spec=row.spec,
                options=row.options,
                num_events=num_events,
                traceparent=row.traceparent,
            )

    @patient
    async def holds(self, claim: Claim) -> bool:
        """Whether the claim is still good: not cancelled, deleted or taken over."""
        query = select(AnalysisRow.id).where(held(claim))
        async with self._sessions.reading() as session:
            return (await session.execute(query)).first() is not None

    @patient
    async def report(
        self,
        claim: Claim,
        progress: Progress,
        events: Sequence[Event] = (),
        *,
        after: int = 0,
    ) -> bool:
        """Write how far the work is, and what it found.

        Args:
            claim: The right to write.
            progress: How far it is.
            events: What was found since.
            after: How many events are stored before those.

        Returns:
            Whether the claim is still good.
        """
        query = (
            update(AnalysisRow)
            .where(held(claim))
            .values(progress.model_dump())
            .returning(AnalysisRow.id)
        )
        async with self._sessions.writing() as session:
            if (await session.execute(query)).first() is None:
                return False
            await save_events(session, claim.analysis_id, events, after=after)
            return True

    @patient
    async def next_attempt(
        self, claim: Claim, error: ChildCrashedError
    ) -> Claim | None:
        """Count a failed attempt, and claim the next; None when the claim is lost.

        Raises:
            ChildCrashedError: It was the last; the claim is kept, to `fail` with this.
        """
        async with self._sessions.writing() as session:
            row = await locked(session, claim)
            if row is None:
                return None
            await tally(session, "crash")
            if row.attempts < self._max_attempts:
                await tally(session, "attempt")
                row.attempts += 1
                return replace(claim, attempts=row.attempts)
        raise ChildCrashedError(self._gave_up(str(error)))

    @patient
    async def finish(
        self,
        claim: Claim,
        result: Result,
        traces: bytes,
        events: Sequence[Event] = (),
        *,
        after: int = 0,
    ) -> None:
        """Store the result and the last events, unless the claim is lost."""
        async with self._sessions.writing() as session:
            row = await locked(session, claim)
            if row is None:
                return
            await succeed(session, row, result, traces, events, after)

    @patient
    async def fail(self, claim: Claim, error: AnalysisError) -> None:
        """Store why the analysis failed, unless the claim is lost."""
        async with self._sessions.writing() as session:
            row = await locked(session, claim)
            if row is not None:
                await _end(session, row, "failed", error)

    @patient
    async def release(self, claim: Claim) -> None:
        """Give an unfinished analysis back; the attempt does not count."""
        query = (
            update(AnalysisRow)
            .where(held(claim))
            .values(status="queued", attempts=AnalysisRow.attempts - 1)
        )
        async with self._sessions.writing() as session:
            await session.execute(query)

    @patient
    async def open_tickets(self) -> dict[str, Ticket]:
        """The queued and running analyses: their place in the queue, by id."""
        query = select(AnalysisRow.id, AnalysisRow.queue, AnalysisRow.turn).where(
            AnalysisRow.status.in_(OPEN)
        )
        async with self._sessions.reading() as session:
            rows = await session.execute(query)
            return {row.id: Ticket(row.queue, row.turn) for row in rows}

    def _gave_up(self, reason: str) -> str:
        return f"gave up after {self._max_attempts} attempts: {reason}"


def held(claim: Claim) -> ColumnElement[bool]:
    """Whether an analysis' row is still the claimant's."""
    return and_(
        AnalysisRow.id == claim.analysis_id,
        AnalysisRow.attempts == claim.attempts,
        AnalysisRow.status == "running",
    )


async def locked(session: AsyncSession, claim: Claim) -> AnalysisRow | None:
    """The analysis' row, locked, if it is still the claimant's."""
    query = select(AnalysisRow).where(held(claim)).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def succeed(  # noqa: PLR0913 -- everything that is stored at the end
    session: AsyncSession,
    row: AnalysisRow,
    result: Result,
    traces: bytes,
    events: Sequence[Event],
    after: int,
) -> None:
    """Store the result and the last events of an analysis whose row is locked."""
    row.phase, row.done = "done", row.total
    row.verdict = result.verdict
    row.stored_bytes += size_of(result) + len(traces)
    await save_events(session, row.id, events, after=after)
    await save_result(session, row.id, result)
    session.add(TraceRow(analysis_id=row.id, chunk=traces))
    # Last: it locks what workers count together.
    await _end(session, row, "succeeded")


async def _tally_begin(session: AsyncSession, row: AnalysisRow) -> None:
    if row.status == "running":
        await tally(session, "attempt", "take_over")
        return
    await tally(session, "attempt")
    if row.started_at is None:
        waited = max(0.0, (now() - row.created_at).total_seconds())
        await tally(session, "wait", seconds=waited)


async def _end(
    session: AsyncSession,
    row: AnalysisRow,
    status: Status,
    error: AnalysisError | None = None,
) -> None:
    row.status = status
    row.finished_at = now()
    await session.execute(delete(UnitRow).where(UnitRow.analysis_id == row.id))
    await count_end(
        session, row.project, status, began=row.started_at, ended=row.finished_at
    )
    if error is not None:
        row.error_code = error.code
        row.error_message = error.message
    await announce_end(session, row.id, row.project)
