"""Takes batches in: a run moves on and gets chunks, in one transaction."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from gradhealth.batches.packing import PackedBatch
from gradhealth.schemas.run import Receipt

from ..analyses.records import now
from ..database.transactions import Transactions
from ..exceptions import BatchOrderError, LayerCountError
from ..tables import ChunkRow, RunRow
from .chunks import SERIES


class Intake:
    """Takes the batches of a project's runs in.

    Args:
        transactions: The database.
        project: The one project; None for every one.
    """

    def __init__(self, transactions: Transactions, *, project: str | None) -> None:
        self._transactions = transactions
        self._project = project

    async def append(
        self, run_id: str, batch: PackedBatch, chunks: Mapping[str, bytes]
    ) -> Receipt | None:
        """Add a batch with its chunks; one that is there already changes nothing.

        Returns:
            What became of it; None when there is no such run.

        Raises:
            BatchOrderError: Later ones, or other steps, are there already.
            LayerCountError: The run has another number of layers.
            OperationalError: The database is out of reach.
        """
        key = {"id_": run_id, "project_": self._project}
        return await self._transactions.run(partial(_append, key, batch, chunks))


def _own() -> ColumnElement[bool]:
    project = bindparam("project_", type_=Text)
    return (RunRow.id == bindparam("id_")) & or_(
        project.is_(None), RunRow.project == project
    )


# Put together once: that takes longer than to execute them.
_MOVE_ON = (
    update(RunRow)
    .where(
        _own(),
        RunRow.last_sequence < bindparam("sequence"),
        RunRow.last_step < bindparam("first_step"),
    )
    .values(
        updated_at=bindparam("at"),
        num_steps=RunRow.num_steps + bindparam("new_steps"),
        num_batches=RunRow.num_batches + 1,
        last_sequence=bindparam("sequence"),
        last_step=bindparam("until_step"),
        stored_bytes=RunRow.stored_bytes + bindparam("num_bytes"),
    )
    .returning(RunRow.num_steps, RunRow.num_layers)
)
_INSERT_CHUNKS = insert(ChunkRow)
_RUN = select(RunRow.num_steps, RunRow.last_step, RunRow.last_sequence).where(_own())
_SAME = select(ChunkRow.sequence).where(
    ChunkRow.run_id == bindparam("id_"),
    ChunkRow.name == SERIES,
    ChunkRow.first_step == bindparam("first_step"),
    ChunkRow.last_step == bindparam("until_step"),
    ChunkRow.sequence == bindparam("sequence"),
)


def _append(
    key: dict[str, Any],
    batch: PackedBatch,
    chunks: Mapping[str, bytes],
    connection: Connection,
) -> Receipt | None:
    num_bytes = sum(map(len, chunks.values()))
    place = {
        "first_step": batch.steps[0],
        "until_step": batch.steps[-1],
        "sequence": batch.sequence,
    }
    growth = {"at": now(), "new_steps": len(batch.steps), "num_bytes": num_bytes}
    moved = connection.execute(_MOVE_ON, key | place | growth).first()
    if moved is None:
        return _receipt_of_repeat(connection, key, place)
    if len(chunks) > 1 and batch.num_layers != moved.num_layers:
        raise LayerCountError(batch.num_layers, moved.num_layers)
    rows = [
        {
            "run_id": key["id_"],
            "name": name,
            "first_step": batch.steps[0],
            "last_step": batch.steps[-1],
            "sequence": batch.sequence,
            "batch_bytes": num_bytes,
            "chunk": chunk,
        }
        for name, chunk in chunks.items()
    ]
    connection.execute(_INSERT_CHUNKS, rows)
    return Receipt(
        sequence=batch.sequence,
        is_repeat=False,
        num_steps=moved.num_steps,
        last_step=batch.steps[-1],
    )


def _receipt_of_repeat(
    connection: Connection, key: dict[str, Any], place: dict[str, int]
) -> Receipt | None:
    run = connection.execute(_RUN, key).first()
    if run is None:
        return None
    if connection.execute(_SAME, key | place).first() is None:
        raise BatchOrderError(run.last_sequence, run.last_step)
    return Receipt(
        sequence=place["sequence"],
        is_repeat=True,
        num_steps=run.num_steps,
        last_step=run.last_step,
    )
