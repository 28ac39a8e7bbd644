"""Which analyses are meant, and in which order they are listed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, select, tuple_

from gradhealth.schemas.analysis import Status
from gradhealth.schemas.finding import Verdict

from ..cursors import decode_cursor
from ..tables import AnalysisRow, LabelRow, ResultRow


@dataclass(frozen=True, slots=True)
class Filters:
    """What is null does not restrict.

    Attributes:
        label: A key and the value it must have.
        name: The file or the network.
    """

    project: str | None = None
    status: Status | None = None
    verdict: Verdict | None = None
    label: tuple[str, str] | None = None
    name: str | None = None

    def restrict(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        """The query, which selects from analyses, with its conditions."""
        for column, value in (
            (AnalysisRow.project, self.project),
            (AnalysisRow.status, self.status),
            (AnalysisRow.name, self.name),
        ):
            if value is not None:
                query = query.where(column == value)
        if self.verdict is not None:
            query = query.where(
                exists()
                .where(
                    ResultRow.analysis_id == AnalysisRow.id,
                    ResultRow.verdict == self.verdict,
                )
                .correlate(AnalysisRow)
            )
        if self.label is not None:
            key, value = self.label
            # Not `exists`: SQLite would ask for the label of every analysis there is.
            labelled = select(LabelRow.analysis_id).where(
                LabelRow.key == key, LabelRow.value == value
            )
            query = query.where(AnalysisRow.id.in_(labelled))
        return query


def newest_first(
    query: Select[*tuple[Any, ...]], cursor: str | None
) -> Select[*tuple[Any, ...]]:
    """The query in the order of a listing, from a cursor on.

    Raises:
        InvalidDocumentError: The cursor is not one of this listing.
    """
    if cursor is not None:
        keys = tuple_(AnalysisRow.created_at, AnalysisRow.id)
        query = query.where(keys < tuple_(*decode_cursor(cursor)))
    return query.order_by(AnalysisRow.created_at.desc(), AnalysisRow.id.desc())
