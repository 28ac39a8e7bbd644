"""Analyses as the JSON they are sent as: one query, and nothing read to be written.

What stands in a document was valid when it was stored.
"""

from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gradhealth.schemas.analysis import AnalysisPage

from ..cursors import Position, encode_cursor
from ..database.columns import Json, json_object
from ..database.session import Sessions
from ..tables import AnalysisRow, LabelRow, ResultRow
from .filters import Filters, newest_first
from .records import to_analysis
from .results import load_results

# They may be megabytes, and no document shows them.
_UNREAD = {"spec", "options"}
_LABELS = (
    select(json_object(LabelRow.key, LabelRow.value, type_=Json(dict[str, str])))
    .where(LabelRow.analysis_id == AnalysisRow.id)
    .scalar_subquery()
    .label("labels")
)
_QUERY: Select[*tuple[Any, ...]] = select(
    *(each for each in AnalysisRow.__table__.c if each.name not in _UNREAD),
    _LABELS,
    ResultRow.document,
).select_from(AnalysisRow)
# Put together once: that takes longer than to execute them.
_ANY = _QUERY.outerjoin(ResultRow).where(AnalysisRow.id == bindparam("id"))
_OWN = _ANY.where(AnalysisRow.project == bindparam("project"))


class DocumentStore:
    """Reads the analyses of a project.

    Args:
        project: The one project; None for every one.
    """

    def __init__(self, sessions: Sessions, *, project: str | None) -> None:
        self._sessions = sessions
        self._project = project

    async def find(self, analysis_id: str) -> str | None:
        """The analysis, an `Analysis` as JSON; None when there is none."""
        query = _ANY if self._project is None else _OWN
        values = {"id": analysis_id, "project": self._project}
        async with self._sessions.looking() as connection:
            row = (await connection.execute(query, values)).one_or_none()
            return None if row is None else await _document(connection, row)

    async def page(self, filters: Filters, *, limit: int, cursor: str | None) -> str:
        """One page of those that meet all filters, an `AnalysisPage` as JSON.

        Raises:
            InvalidDocumentError: The cursor is not one of this listing.
        """
        query = newest_first(_QUERY, filters, within=self._project, cursor=cursor)
        # One more than asked for tells whether there is a next page.
        query = query.outerjoin(ResultRow).limit(limit + 1)
        async with self._sessions.looking() as connection:
            rows = (await connection.execute(query)).all()
            documents = [await _document(connection, row) for row in rows[:limit]]
        more = len(rows) > limit
        last = (
            Position(rows[limit - 1].created_at, rows[limit - 1].id) if more else None
        )
        page = AnalysisPage(items=[], next_cursor=encode_cursor(last) if last else None)
        return _completed(
            page.model_dump_json(exclude={"items"}), "items", f"[{','.join(documents)}]"
        )


async def _document(connection: AsyncConnection, row: Row[*tuple[Any, ...]]) -> str:
    analysis = to_analysis(row, row.labels or {}, None)
    result = row.document
    if result is None and analysis.status == "succeeded":
        # From before there were documents.
        results = await load_results(connection, [analysis.id])
        result = results[analysis.id].model_dump_json()
    head = analysis.model_dump_json(exclude={"result"})
    return _completed(head, "result", result or "null")


def _completed(document: str, key: str, value: str) -> str:
    """A JSON object, which is not empty, with one more key."""
    return f'{document[:-1]},"{key}":{value}}}'
