"""An analysis as a row, and the row as the resource again."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import (
    FINAL,
    Analysis,
    AnalysisError,
    Device,
    Kind,
    Links,
    Options,
    Priority,
    Progress,
    Result,
    Status,
)

from ..tables import AnalysisRow, LabelRow
from ..work.turns import NEXT_TURN, asking_for_turn
from .results import load_results

# Characters of a name that are kept for lists.
MAX_NAME = 200
# Put together once: that takes longer than to execute them.
_INSERT_ANALYSIS = insert(AnalysisRow)
_INSERT_IN_TURN = {
    priority: _INSERT_ANALYSIS.values(turn=turn).returning(AnalysisRow.turn)
    for priority, turn in NEXT_TURN.items()
}
_INSERT_LABELS = insert(LabelRow)


@dataclass(frozen=True, slots=True)
class NewAnalysis:
    """What is asked for.

    Attributes:
        idempotency_key: The caller's name for this request, unique in its project.
        request_hash: Tells whether a second request under the key is the same one.
        num_bytes: Size of what was sent.
        queue: Which workers may work on it.
        traceparent: The span in which it is asked for.
    """

    kind: Kind
    spec: dict[str, Any]
    options: Options = field(default_factory=Options)
    project: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    request_hash: str | None = None
    num_bytes: int = 0
    queue: Device = "cpu"
    traceparent: str | None = None

    @property
    def name(self) -> str | None:
        """The file's path, else the network's own name."""
        source = self.options.source
        name = (source and source.path) or self.spec.get("name")
        return str(name)[:MAX_NAME] if name else None


class NewRow(SimpleNamespace):
    """The columns of an analysis that is to be stored.

    Not an `AnalysisRow`, whose books cost as much again as to insert it.
    """


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def new_row(new: NewAnalysis, *, status: Status) -> NewRow:
    """The row of an analysis that begins in the given status."""
    created_at = now()
    ended_at = created_at if status in FINAL else None
    return NewRow(
        id=uuid.uuid4().hex,
        kind=new.kind,
        name=new.name,
        project=new.project,
        status=status,
        spec=new.spec,
        options=new.options,
        idempotency_key=new.idempotency_key,
        request_hash=new.request_hash,
        phase="done" if status in FINAL else Progress().phase,
        done=0,
        total=0,
        attempts=0,
        stored_bytes=new.num_bytes,
        traceparent=new.traceparent,
        queue=new.queue,
        created_at=created_at,
        started_at=ended_at,
        finished_at=ended_at,
        error_code=None,
        verdict=None,
    )


def insert_analysis(
    connection: Connection, row: NewRow, labels: Mapping[str, str]
) -> None:
    """Insert the row and its labels."""
    connection.execute(_INSERT_ANALYSIS, vars(row))
    _insert_labels(connection, row, labels)


def insert_in_turn(
    connection: Connection, row: NewRow, labels: Mapping[str, str], priority: Priority
) -> int:
    """Insert the row and its labels, and give it a turn, which is returned."""
    values = vars(row) | asking_for_turn(row.project, row.queue)
    turn: int = connection.execute(_INSERT_IN_TURN[priority], values).scalar_one()
    _insert_labels(connection, row, labels)
    return turn


def _insert_labels(
    connection: Connection, row: NewRow, labels: Mapping[str, str]
) -> None:
    if labels:
        connection.execute(_INSERT_LABELS, label_columns(row, labels))


def label_columns(
    row: AnalysisRow | NewRow, labels: Mapping[str, str]
) -> list[dict[str, str | datetime | None]]:
    """The rows of an analysis' labels."""
    return [
        {
            "analysis_id": row.id,
            "key": key,
            "value": value,
            "project": row.project,
            "created_at": row.created_at,
            "outcome": row.verdict,
        }
        for key, value in labels.items()
    ]


async def load_analyses(
    session: AsyncSession, rows: Sequence[AnalysisRow]
) -> list[Analysis]:
    """The resources of the rows, in their order, with labels and results."""
    labels = await load_labels(session, [row.id for row in rows])
    results = await load_results(
        session, [row.id for row in rows if row.status == "succeeded"]
    )
    return [to_analysis(row, labels[row.id], results.get(row.id)) for row in rows]


async def load_labels(
    session: AsyncSession, ids: Sequence[str]
) -> dict[str, dict[str, str]]:
    """The labels of analyses, by id."""
    query = select(LabelRow.analysis_id, LabelRow.key, LabelRow.value).where(
        LabelRow.analysis_id.in_(ids)
    )
    labels: dict[str, dict[str, str]] = defaultdict(dict)
    for analysis_id, key, value in await session.execute(query):
        labels[analysis_id][key] = value
    return labels


def to_analysis(
    row: AnalysisRow | NewRow | Row[*tuple[Any, ...]],
    labels: Mapping[str, str],
    result: Result | None,
) -> Analysis:
    """The resource a row stands for."""
    address = f"/v1/analyses/{row.id}"
    error = None
    if row.error_code is not None:
        error = AnalysisError(code=row.error_code, message=row.error_message or "")
    return Analysis(
        id=row.id,
        kind=row.kind,
        project=row.project,
        labels=dict(labels),
        status=row.status,
        progress=Progress(phase=row.phase, done=row.done, total=row.total),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        attempts=row.attempts,
        error=error,
        result=result,
        links=Links(
            self=address,
            cancel=f"{address}/cancel",
            runs=f"{address}/runs" if row.kind == "trace" else None,
        ),
    )
