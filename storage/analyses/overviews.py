"""Lists of analyses for people: names and verdicts, never whole results."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import Progress, Spread
from gradhealth.schemas.curve import Curve
from gradhealth.schemas.overview import Overview, OverviewPage

from ..cursors import Position, encode_cursor
from ..database.session import Sessions
from ..tables import AnalysisRow, LayerStatisticRow, ResultRow
from .filters import Filters, newest_first
from .records import load_labels

# More than anybody looks through.
MAX_NAMES = 200
_COLUMNS = (
    "id",
    "kind",
    "name",
    "project",
    "status",
    "created_at",
    "started_at",
    "finished_at",
    "verdict",
)
_OVERVIEWS: Select[*tuple[Any, ...]] = select(
    *(getattr(AnalysisRow, name) for name in _COLUMNS),
    *(getattr(AnalysisRow, name) for name in ("phase", "done", "total")),
    *(AnalysisRow.error_message, ResultRow.primary_problem, ResultRow.summary),
).select_from(AnalysisRow)


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers of a result that are followed over time.

    Attributes:
        gains: Backward gain of each layer at the start.
        loss: By step; null where nothing was trained.
    """

    gains: Sequence[Spread]
    loss: Curve | None


class OverviewStore:
    """Lists what a project has.

    Args:
        project: The one project; None for every one.

    While the database is out of reach, every method raises SQLAlchemy's
    `OperationalError`.
    """

    def __init__(self, sessions: Sessions, *, project: str | None) -> None:
        self._sessions = sessions
        self._project = project

    async def page(
        self, filters: Filters, *, limit: int, cursor: str | None = None
    ) -> OverviewPage:
        """One page of the analyses that meet all filters, newest first.

        Raises:
            InvalidDocumentError: The cursor is not one of this listing.
        """
        query = newest_first(_OVERVIEWS, filters, within=self._project, cursor=cursor)
        # One more than asked for tells whether there is a next page.
        query = query.outerjoin(ResultRow).limit(limit + 1)
        async with self._sessions.reading() as session:
            rows = (await session.execute(query)).all()
            items = await _items(session, rows[:limit])
        last = items[-1] if len(rows) > limit else None
        cursor = encode_cursor(Position(last.created_at, last.id)) if last else None
        return OverviewPage(items=items, next_cursor=cursor)

    async def projects(self) -> list[str]:
        """The projects that have analyses, by name."""
        query = self._own(select(AnalysisRow.project)).distinct()
        async with self._sessions.reading() as session:
            return sorted((await session.execute(query)).scalars())

    async def names(self, project: str) -> list[str]:
        """The names of what a project has analysed, the newest first."""
        query = (
            self._own(select(AnalysisRow.name))
            .where(AnalysisRow.project == project, AnalysisRow.name.is_not(None))
            .group_by(AnalysisRow.name)
            .order_by(func.max(AnalysisRow.created_at).desc())
            .limit(MAX_NAMES)
        )
        async with self._sessions.reading() as session:
            return list((await session.execute(query)).scalars())

    async def measured(self, ids: Sequence[str]) -> dict[str, Measured]:
        """What was measured in those analyses that have a result, by id."""
        statistic = LayerStatisticRow
        gains = select(
            statistic.analysis_id, statistic.start_mean, statistic.start_spread
        ).where(statistic.analysis_id.in_(ids), statistic.statistic == "backward_gain")
        curves = select(ResultRow.analysis_id, ResultRow.curves).where(
            ResultRow.analysis_id.in_(ids)
        )
        async with self._sessions.reading() as session:
            found = {
                row.analysis_id: Measured([], row.curves.get("loss"))
                for row in await session.execute(curves)
            }
            by_layer: dict[str, list[Spread]] = {id_: [] for id_ in found}
            for id_, mean, spread in await session.execute(gains):
                if mean is not None:
                    by_layer[id_].append(Spread(mean=mean, spread=spread))
        return {
            id_: Measured(by_layer[id_], measured.loss)
            for id_, measured in found.items()
        }

    def _own(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        if self._project is None:
            return query
        return query.where(AnalysisRow.project == self._project)


async def _items(
    session: AsyncSession, rows: Sequence[Row[*tuple[Any, ...]]]
) -> list[Overview]:
    labels = await load_labels(session, [row.id for row in rows])
    return [
        Overview(
            **{name: getattr(row, name) for name in _COLUMNS},
            labels=labels[row.id],
            progress=Progress(phase=row.phase, done=row.done, total=row.total),
            primary=row.primary_problem,
            summary=row.summary,
            error=row.error_message,
        )
        for row in rows
    ]
