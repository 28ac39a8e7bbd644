"""What was told about runs: written when they are judged, read for many at once."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.run import Alert, RunProgress

from ..database.session import Sessions
from ..sights import Sight
from ..tables import AlertRow, RunRow
from .records import step_or_none

# In one answer; the events tell them all.
_MOST_LATEST = 50


class AlertStore:
    """Looks at many runs with two queries.

    While the database is out of reach, it raises SQLAlchemy's `OperationalError`.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def look(
        self, known: Mapping[str, int]
    ) -> dict[str, Sight[RunProgress, Alert]]:
        """How runs look now; what was deleted is left out. A run has no end.

        Args:
            known: How many alerts of each are known already, by id.
        """
        columns = (
            RunRow.id,
            RunRow.num_steps,
            RunRow.last_step,
            RunRow.judged_step,
            RunRow.verdict,
            RunRow.summary,
        )
        fresh = [
            and_(AlertRow.run_id == id_, AlertRow.number > number)
            for id_, number in known.items()
        ]
        query = select(AlertRow).where(or_(*fresh)).order_by(AlertRow.number)
        alerts = defaultdict[str, list[Alert]](list)
        async with self._sessions.reading() as session:
            # First how they are: what raised a verdict is there by then.
            runs = select(*columns).where(RunRow.id.in_(known))
            rows = (await session.execute(runs)).all()
            for row in (await session.execute(query)).scalars():
                alerts[row.run_id].append(_alert(row))
        return {
            row.id: Sight(
                progress=RunProgress(
                    num_steps=row.num_steps,
                    last_step=step_or_none(row.last_step),
                    judged_step=step_or_none(row.judged_step),
                    verdict=row.verdict,
                    summary=row.summary,
                ),
                done=None,
                events=alerts[row.id],
            )
            for row in rows
        }


async def load_latest_alerts(session: AsyncSession, run_id: str) -> list[Alert]:
    """The latest alerts of a run, newest first."""
    query = (
        select(AlertRow)
        .where(AlertRow.run_id == run_id)
        .order_by(AlertRow.number.desc())
        .limit(_MOST_LATEST)
    )
    return [_alert(row) for row in (await session.execute(query)).scalars()]


def _alert(row: AlertRow) -> Alert:
    return Alert(
        number=row.number,
        at=row.at,
        state=row.state,
        problem=row.problem,
        severity=row.severity,
        step=row.step,
        finding=row.finding,
    )
