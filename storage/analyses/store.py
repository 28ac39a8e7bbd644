"""Analyses as the service sees them: schemas in, schemas out."""

import asyncio
import time

from sqlalchemy import ColumnElement, Select, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from gradhealth.schemas.analysis import (
    FINAL,
    Analysis,
    AnalysisPage,
    Options,
    Result,
    Status,
)
from gradhealth.schemas.finding import Verdict

from ..cursors import Position, encode_cursor
from ..database.session import Sessions
from ..tables import OPEN, AnalysisRow, TraceRow, UnitRow
from ..uploads.content import forget_uploads, upload_of
from ..webhooks.outbox import announce_end
from ..work.ends import count_end
from .acceptance import Acceptance
from .filters import Filters, newest_first
from .finished import Finished, save_finished
from .idempotency import earlier_row
from .records import NewAnalysis, load_analyses, now

# While waiting, look again after a tenth of the time waited so far: short work is
# answered at once, and long work costs few looks.
_LOOK_RATIO = 0.1
_LOOK_SECONDS = (0.015, 0.25)


class AnalysisStore:
    """Accepts, reads and cancels the analyses of a project.

    What belongs to another project does not exist here: no method finds it.

    Args:
        project: The one project; None for every one.

    While the database is out of reach, every method raises SQLAlchemy's
    `OperationalError`.
    """

    def __init__(
        self, sessions: Sessions, acceptance: Acceptance, *, project: str | None
    ) -> None:
        self._sessions = sessions
        self._acceptance = acceptance
        self._project = project

    async def create(self, new: NewAnalysis) -> Analysis:
        """Accept an analysis: it is stored and queued in one transaction.

        Under an idempotency key that was used before, it is the earlier one.

        Raises:
            IdempotencyConflictError: The key was used for another request.
        """
        assert self._project in (None, new.project)
        try:
            return await self._acceptance.accept(new)
        except IntegrityError:
            # Of simultaneous requests under one key the database lets one win.
            return await self._earlier(new)

    async def create_finished(
        self, new: NewAnalysis, result: Result, traces: bytes | None = None
    ) -> Analysis:
        """Store an analysis that needed no worker, with its result.

        Under an idempotency key that was used before, it is the earlier one.

        Args:
            new: What was asked for.
            result: The answer.
            traces: The numbers behind it, compressed.

        Raises:
            IdempotencyConflictError: The key was used for another request.
        """
        assert self._project in (None, new.project)
        try:
            async with self._sessions.writing() as session:
                return await save_finished(session, Finished(new, result, traces))
        except IntegrityError:
            return await self._earlier(new)

    async def get(self, analysis_id: str) -> Analysis | None:
        """The analysis, with its result when it succeeded."""
        async with self._sessions.reading() as session:
            query = select(AnalysisRow).where(self._own(analysis_id))
            row = (await session.execute(query)).scalar_one_or_none()
            if row is None:
                return None
            return (await load_analyses(session, [row]))[0]

    async def knows(self, analysis_id: str) -> bool:
        """Whether there is one with this id."""
        query = select(AnalysisRow.id).where(self._own(analysis_id))
        async with self._sessions.reading() as session:
            return (await session.execute(query)).first() is not None

    async def wait(self, analysis_id: str, seconds: float) -> None:
        """Return as soon as the analysis is finished or gone, or after `seconds`."""
        began = time.monotonic()
        query = select(AnalysisRow.status).where(self._own(analysis_id))
        while (waited := time.monotonic() - began) < seconds:
            async with self._sessions.reading() as session:
                status = (await session.execute(query)).scalar()
            if status is None or status in FINAL:
                return
            shortest, longest = _LOOK_SECONDS
            pause = min(max(shortest, waited * _LOOK_RATIO), longest)
            await asyncio.sleep(min(pause, seconds - waited))

    async def page(  # noqa: PLR0913 - the listing's own filters
        self,
        *,
        project: str | None = None,
        status: Status | None = None,
        verdict: Verdict | None = None,
        label: tuple[str, str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> AnalysisPage:
        """One page of the analyses that meet all filters, newest first.

        Args:
            project: Only this project's.
            status: Only those in this status.
            verdict: Only those whose result says so.
            label: Only those with this key and value.
            limit: How many at most.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidDocumentError: The cursor is not one of this listing.
        """
        # Not the specs: they may be megabytes, and a listing shows none.
        unread = [defer(AnalysisRow.spec), defer(AnalysisRow.options)]
        query = newest_first(
            select(AnalysisRow).options(*unread),
            Filters(project, status, verdict, label),
            within=self._project,
            cursor=cursor,
        )
        async with self._sessions.reading() as session:
            return await _page(session, query, limit)

    async def cancel(self, analysis_id: str) -> Analysis | None:
        """Cancel; what is finished stays as it is. A worker notices within 0.2 s."""
        async with self._sessions.writing() as session:
            ended = now()
            stopped = await session.execute(
                update(AnalysisRow)
                .where(self._own(analysis_id), AnalysisRow.status.in_(OPEN))
                .values(status="cancelled", finished_at=ended)
                .returning(AnalysisRow.project, AnalysisRow.started_at)
            )
            for project, began in stopped.all():
                await announce_end(session, analysis_id, project)
                await count_end(session, project, "cancelled", began=began, ended=ended)
                # Whoever does one of them notices.
                units = delete(UnitRow).where(UnitRow.analysis_id == analysis_id)
                await session.execute(units)
        return await self.get(analysis_id)

    async def delete(self, analysis_id: str) -> bool:
        """Delete with everything found, stopping the work; False when unknown."""
        async with self._sessions.writing() as session:
            upload_id = await upload_of(session, analysis_id)
            deleted = await session.execute(
                delete(AnalysisRow)
                .where(self._own(analysis_id))
                .returning(
                    AnalysisRow.project, AnalysisRow.started_at, AnalysisRow.finished_at
                )
            )
            found = deleted.first()
            if upload_id is not None:
                await forget_uploads(session, upload_id)
            if found is not None and found.finished_at is None:
                await count_end(
                    session,
                    found.project,
                    "cancelled",
                    began=found.started_at,
                    ended=now(),
                )
            return found is not None

    async def trace(self, analysis_id: str) -> bytes | None:
        """The compressed traces, or None when nothing was measured."""
        query = select(TraceRow.chunk).join(AnalysisRow).where(self._own(analysis_id))
        async with self._sessions.reading() as session:
            return (await session.execute(query)).scalar()

    async def spec(self, analysis_id: str) -> dict[str, object] | None:
        """The spec as it was sent."""
        query = select(AnalysisRow.spec).where(self._own(analysis_id))
        async with self._sessions.reading() as session:
            return (await session.execute(query)).scalar()

    async def options(self, analysis_id: str) -> Options | None:
        """The options as they were sent."""
        query = select(AnalysisRow.options).where(self._own(analysis_id))
        async with self._sessions.reading() as session:
            return (await session.execute(query)).scalar()

    def _own(self, analysis_id: str) -> ColumnElement[bool]:
        own = AnalysisRow.id == analysis_id
        if self._project is not None:
            own &= AnalysisRow.project == self._project
        return own

    async def _earlier(self, new: NewAnalysis) -> Analysis:
        async with self._sessions.reading() as session:
            row = await earlier_row(session, new)
            assert row is not None
            return (await load_analyses(session, [row]))[0]


async def _page(
    session: AsyncSession, query: Select[AnalysisRow], limit: int
) -> AnalysisPage:
    # One more than asked for tells whether there is a next page.
    rows = list((await session.execute(query.limit(limit + 1))).scalars())
    shown = rows[:limit]
    more = len(rows) > limit
    last = Position(shown[-1].created_at, shown[-1].id) if more else None
    return AnalysisPage(
        items=await load_analyses(session, shown),
        next_cursor=encode_cursor(last) if last else None,
    )
