"""Which analyses are meant, and in which order they are listed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, tuple_
from sqlalchemy.orm import InstrumentedAttribute, aliased

from gradhealth.schemas.analysis import Status
from gradhealth.schemas.finding import Verdict

from ..cursors import decode_cursor
from ..tables import OPEN, AnalysisRow, LabelRow

# The one that is asked for, beside all those that are read.
_Label = aliased(LabelRow)


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


def newest_first(
    query: Select[*tuple[Any, ...]],
    filters: Filters,
    *,
    within: str | None,
    cursor: str | None,
) -> Select[*tuple[Any, ...]]:
    """The query in the order of a listing, of those that meet all filters.

    SQLite does not know how many meet a condition. So each pair of conditions that
    many may meet, and few both, is a piece of one index, which has the order too.

    Args:
        query: Selects from analyses, and joins nothing yet.
        filters: Which ones.
        within: The one project; None for every one.
        cursor: `next_cursor` of the page before.

    Raises:
        InvalidDocumentError: The cursor is not one of this listing.
    """
    query = query.where(*_conditions(filters))
    projects = {each for each in (filters.project, within) if each is not None}
    query = query.where(*(AnalysisRow.project == each for each in projects))
    keys: list[InstrumentedAttribute[Any]] = [AnalysisRow.created_at, AnalysisRow.id]
    if filters.label is not None:
        is_labelled = _label_conditions(filters, projects)
        if filters.status in OPEN:
            # So few are open that theirs is the index to walk along.
            query = query.where(exists().where(*is_labelled).correlate(AnalysisRow))
        else:
            query = query.join(_Label, and_(*is_labelled))
            keys = [_Label.created_at, _Label.analysis_id]
    if cursor is not None:
        query = query.where(tuple_(*keys) < tuple_(*decode_cursor(cursor)))
    return query.order_by(*(key.desc() for key in keys))


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.name is not None:
        yield AnalysisRow.name == filters.name
    if filters.verdict is None:
        if filters.status is not None:
            yield AnalysisRow.status == filters.status
        return
    # It has a verdict, so it has succeeded.
    yield AnalysisRow.verdict == filters.verdict
    if filters.status not in {None, "succeeded"}:
        yield false()


def _label_conditions(
    filters: Filters, projects: Iterable[str]
) -> Iterator[ColumnElement[bool]]:
    assert filters.label is not None
    key, value = filters.label
    yield _Label.analysis_id == AnalysisRow.id
    yield _Label.key == key
    yield _Label.value == value
    for project in projects:
        yield _Label.project == project
    if filters.verdict is not None:
        yield _Label.outcome == filters.verdict
    elif filters.status in {"failed", "cancelled"}:
        yield _Label.outcome == filters.status
