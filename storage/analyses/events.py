"""What analyses tell on their way: written by their workers, read for many at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, and_, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import AnalysisError, Progress
from gradhealth.schemas.event import Done, Event, TriedFix
from gradhealth.schemas.finding import Finding

from ..database.session import Sessions
from ..sights import Sight
from ..tables import OPEN, AnalysisRow, EventRow, ResultRow


async def count_events(session: AsyncSession, analysis_id: str) -> int:
    """How many events of an analysis are kept."""
    query = select(func.count()).where(EventRow.analysis_id == analysis_id)
    return (await session.execute(query)).scalar_one()


async def save_events(
    session: AsyncSession, analysis_id: str, events: Sequence[Event], *, after: int
) -> None:
    """Insert events behind the first `after`; doing it twice is doing it once."""
    if not events:
        return
    await session.execute(
        delete(EventRow).where(
            EventRow.analysis_id == analysis_id, EventRow.number > after
        )
    )
    rows = [
        {
            "analysis_id": analysis_id,
            "number": number,
            "finding": event if isinstance(event, Finding) else None,
            "trial": event if isinstance(event, TriedFix) else None,
        }
        for number, event in enumerate(events, start=after + 1)
    ]
    await session.execute(insert(EventRow), rows)


class EventStore:
    """Looks at many analyses with two queries.

    While the database is out of reach, it raises SQLAlchemy's `OperationalError`.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def look(self, known: Mapping[str, int]) -> dict[str, Sight[Progress, Event]]:
        """How analyses look now; what was deleted is left out.

        Args:
            known: How many events of each are known already, by id.
        """
        async with self._sessions.reading() as session:
            # First how far they are: what has ended by then has told everything.
            rows = (await session.execute(_states(known))).all()
            events = await _load(session, known)
        return {
            row.id: Sight(
                progress=Progress(phase=row.phase, done=row.done, total=row.total),
                done=None if row.status in OPEN else _end(row),
                events=events[row.id],
            )
            for row in rows
        }


def _states(ids: Iterable[str]) -> Select[*tuple[Any, ...]]:
    """Without the spec, which may be megabytes."""
    names = ("id", "status", "phase", "done", "total", "error_code", "error_message")
    own = [getattr(AnalysisRow, name) for name in names]
    return (
        select(*own, ResultRow.verdict, ResultRow.summary)
        .outerjoin(ResultRow)
        .where(AnalysisRow.id.in_(ids))
    )


async def _load(
    session: AsyncSession, known: Mapping[str, int]
) -> defaultdict[str, list[Event]]:
    fresh = [
        and_(EventRow.analysis_id == id_, EventRow.number > number)
        for id_, number in known.items()
    ]
    query = select(EventRow).where(or_(*fresh)).order_by(EventRow.number)
    events: defaultdict[str, list[Event]] = defaultdict(list)
    for row in (await session.execute(query)).scalars():
        if (event := row.finding or row.trial) is not None:
            events[row.analysis_id].append(event)
    return events


def _end(row: Row[*tuple[Any, ...]]) -> Done:
    error = None
    if row.error_code is not None:
        error = AnalysisError(code=row.error_code, message=row.error_message or "")
    return Done(
        status=row.status, verdict=row.verdict, summary=row.summary, error=error
    )
