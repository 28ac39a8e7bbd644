"""Runs that are still going, as the service sees them: schemas in, schemas out."""

from sqlalchemy import ColumnElement, delete, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer

from gradhealth.schemas.run import Run, RunPage

from ..cursors import Position, decode_cursor, encode_cursor
from ..database.session import Sessions
from ..exceptions import IdempotencyConflictError
from ..tables import RunRow
from .alerts import load_latest_alerts
from .records import NewRun, new_run_row, to_run


class RunStore:
    """Begins, reads and forgets the runs of a project.

    What belongs to another project does not exist here: no method finds it.

    Args:
        project: The one project; None for every one.

    While the database is out of reach, every method raises SQLAlchemy's
    `OperationalError`.
    """

    def __init__(self, sessions: Sessions, *, project: str | None) -> None:
        self._sessions = sessions
        self._project = project

    async def create(self, new: NewRun) -> Run:
        """Begin a run; under an idempotency key that was used before, the earlier one.

        Raises:
            IdempotencyConflictError: The key was used for another request.
        """
        assert self._project in (None, new.project)
        row = new_run_row(new)
        try:
            async with self._sessions.writing() as session:
                session.add(row)
        except IntegrityError:
            # Of simultaneous requests under one key the database lets one win.
            return await self._earlier(new)
        return to_run(row)

    async def knows(self, run_id: str) -> bool:
        """Whether there is one with this id."""
        query = select(RunRow.id).where(self._own(run_id))
        async with self._sessions.reading() as session:
            return (await session.execute(query)).first() is not None

    async def get(self, run_id: str) -> Run | None:
        """The run with its latest alerts, without result."""
        query = select(RunRow).options(defer(RunRow.layers)).where(self._own(run_id))
        async with self._sessions.reading() as session:
            row = (await session.execute(query)).scalar_one_or_none()
            if row is None:
                return None
            alerts = await load_latest_alerts(session, run_id)
        return to_run(row, config=row.config, alerts=alerts)

    async def page(
        self, *, project: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> RunPage:
        """One page of the runs, newest first.

        Args:
            project: Only this project's.
            limit: How many at most.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidDocumentError: The cursor is not one of this listing.
        """
        query = select(RunRow).options(defer(RunRow.layers), defer(RunRow.config))
        for name in {project, self._project} - {None}:
            query = query.where(RunRow.project == name)
        if cursor is not None:
            keys = tuple_(RunRow.created_at, RunRow.id)
            query = query.where(keys < tuple_(*decode_cursor(cursor)))
        query = query.order_by(RunRow.created_at.desc(), RunRow.id.desc())
        # One more than asked for tells whether there is a next page.
        async with self._sessions.reading() as session:
            rows = list((await session.execute(query.limit(limit + 1))).scalars())
        shown, last = rows[:limit], rows[limit - 1] if len(rows) > limit else None
        return RunPage(
            items=[to_run(row) for row in shown],
            next_cursor=encode_cursor(Position(last.created_at, last.id))
            if last
            else None,
        )

    async def delete(self, run_id: str) -> bool:
        """Delete a run with all its numbers; False when unknown."""
        async with self._sessions.writing() as session:
            gone = await session.execute(
                delete(RunRow).where(self._own(run_id)).returning(RunRow.id)
            )
            return gone.first() is not None

    def _own(self, run_id: str) -> ColumnElement[bool]:
        own = RunRow.id == run_id
        if self._project is not None:
            own &= RunRow.project == self._project
        return own

    async def _earlier(self, new: NewRun) -> Run:
        query = select(RunRow).where(
            RunRow.project == new.project,
            RunRow.idempotency_key == new.idempotency_key,
        )
        async with self._sessions.reading() as session:
            row = (await session.execute(query)).scalar_one()
        if row.request_hash != new.request_hash:
            raise IdempotencyConflictError(str(new.idempotency_key))
        return to_run(row)
