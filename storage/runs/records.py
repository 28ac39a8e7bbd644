"""A run as a row, and the row as the resource again."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from gradhealth.schemas.run import Run, RunLinks
from gradhealth.schemas.trace import TracedLayer

from ..analyses.records import now
from ..tables import RunRow


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is announced.

    Attributes:
        idempotency_key: The caller's name for this run, unique in its project.
        request_hash: Tells whether a second request under the key is the same one.
        num_bytes: Size of what was sent.
    """

    name: str
    layers: list[TracedLayer] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    project: str = "default"
    idempotency_key: str | None = None
    request_hash: str | None = None
    num_bytes: int = 0


def new_run_row(new: NewRun) -> RunRow:
    """The row of a run before its first batch."""
    return RunRow(
        id=uuid.uuid4().hex,
        project=new.project,
        name=new.name,
        idempotency_key=new.idempotency_key,
        request_hash=new.request_hash,
        created_at=now(),
        num_layers=len(new.layers),
        num_steps=0,
        num_batches=0,
        last_sequence=-1,
        last_step=-1,
        stored_bytes=new.num_bytes,
        judged_step=-1,
        summary="",
        problems=[],
        layers=new.layers,
        config=new.config,
    )


def to_run(row: RunRow, **more: Any) -> Run:
    """The resource a row stands for.

    Args:
        row: Its layers and configuration need not be loaded.
        more: Fields that a listing leaves out.
    """
    address = f"/v1/runs/{row.id}"
    return Run(
        id=row.id,
        name=row.name,
        project=row.project,
        created_at=row.created_at,
        updated_at=row.updated_at,
        num_layers=row.num_layers,
        num_steps=row.num_steps,
        num_batches=row.num_batches,
        last_step=step_or_none(row.last_step),
        stored_bytes=row.stored_bytes,
        verdict=row.verdict,
        primary=row.primary_problem,
        summary=row.summary,
        judged_step=step_or_none(row.judged_step),
        problems=row.problems,
        links=RunLinks(
            self=address, batches=f"{address}/batches", events=f"{address}/events"
        ),
        **more,
    )


def step_or_none(number: int) -> int | None:
    """A step as it is shown; in the tables -1 stands for none."""
    return None if number < 0 else number
