"""Runs that are still going, their numbers and their alerts."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from gradhealth.schemas.finding import Finding, Severity, Verdict
from gradhealth.schemas.run import AlertState, OpenProblem
from gradhealth.schemas.trace import TracedLayer

from ..database.columns import Json
from .base import Base


class RunRow(Base):
    """A run that is still going, and what was found in it so far.

    Batches come in the order of their numbers and steps: `last_sequence` and
    `last_step` say how far it is, -1 before the first. `judged_step` is as far as the
    verdict goes, and lets one of several judges write. What is large stands last.
    """

    __tablename__ = "gh_runs"
    __table_args__ = (
        UniqueConstraint("project", "idempotency_key"),
        Index(None, "created_at", "id"),
        Index(None, "project", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str]
    name: Mapped[str]
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]
    num_layers: Mapped[int]
    num_steps: Mapped[int] = mapped_column(BigInteger)
    num_batches: Mapped[int] = mapped_column(BigInteger)
    last_sequence: Mapped[int] = mapped_column(BigInteger)
    last_step: Mapped[int] = mapped_column(BigInteger)
    stored_bytes: Mapped[int] = mapped_column(BigInteger)
    judged_step: Mapped[int] = mapped_column(BigInteger)
    verdict: Mapped[Verdict | None] = mapped_column(Text)
    primary_problem: Mapped[str | None]
    summary: Mapped[str]
    problems: Mapped[list[OpenProblem]] = mapped_column(Json(list[OpenProblem]))
    layers: Mapped[list[TracedLayer]] = mapped_column(Json(list[TracedLayer]))
    config: Mapped[dict[str, Any]] = mapped_column(Json(dict[str, Any]))


# A part of the key of what goes with its run.
OfRun: TypeAlias = Annotated[
    str, mapped_column(ForeignKey(RunRow.id, ondelete="CASCADE"), primary_key=True)
]


class ChunkRow(Base):
    """One statistic of one batch, compressed; the one without name is of all series.

    `batch_bytes` is the size of all chunks of the batch.
    """

    __tablename__ = "gh_chunks"

    run_id: Mapped[OfRun]
    name: Mapped[str] = mapped_column(primary_key=True)
    first_step: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    last_step: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)
    batch_bytes: Mapped[int] = mapped_column(BigInteger)
    chunk: Mapped[bytes] = mapped_column(LargeBinary)


class AlertRow(Base):
    """A problem of a run that appeared or is gone, numbered from 1."""

    __tablename__ = "gh_alerts"

    run_id: Mapped[OfRun]
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    state: Mapped[AlertState] = mapped_column(Text)
    problem: Mapped[str]
    severity: Mapped[Severity] = mapped_column(Text)
    step: Mapped[int] = mapped_column(BigInteger)
    finding: Mapped[Finding | None] = mapped_column(Json(Finding))
