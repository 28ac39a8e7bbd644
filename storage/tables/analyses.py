"""An analysis, what it told on its way, and the numbers behind it."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gradhealth.schemas.analysis import Device, Kind, Options, Status
from gradhealth.schemas.event import TriedFix
from gradhealth.schemas.finding import Finding, Verdict

from ..database.columns import Json
from .base import Base

OPEN: tuple[Status, ...] = ("queued", "running")


# One page of a listing, whatever it is filtered by, is a piece of one index.
_NEWEST = ("created_at", "id")
_NEWEST_LABELLED = ("created_at", "analysis_id")


def _ended(column: str, *columns: str) -> Index:
    """An index in which only those stand that have the column: it costs no begin."""
    known = text(f"{column} IS NOT NULL")
    return Index(None, *columns, sqlite_where=known, postgresql_where=known)


class AnalysisRow(Base):
    """An analysis: what is asked for and how far it is.

    `attempts` is also the fencing token: whoever works on the analysis may write to
    it only while the number is the one its claim returned. The queue takes the
    smallest `turn` first (see `turns.py`). `verdict` is a copy of the result's, made
    by a trigger.
    """

    __tablename__ = "gh_analyses"
    __table_args__ = (
        UniqueConstraint("project", "idempotency_key"),
        Index(None, *_NEWEST),
        Index(None, "project", *_NEWEST),
        Index(None, "project", "name", *_NEWEST),
        Index(None, "status", *_NEWEST),
        Index(None, "project", "status", *_NEWEST),
        _ended("verdict", "verdict", *_NEWEST),
        _ended("verdict", "project", "verdict", *_NEWEST),
        # The sum over a project is read from the index alone.
        Index(None, "project", "stored_bytes"),
        Index(None, "queue", "status", "turn"),
        Index(None, "project", "queue", "status", "turn"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(Text)
    name: Mapped[str | None]
    project: Mapped[str]
    status: Mapped[Status] = mapped_column(Text)
    spec: Mapped[dict[str, Any]] = mapped_column(Json(dict[str, Any]))
    options: Mapped[Options] = mapped_column(Json(Options, with_defaults=False))
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[str | None]
    phase: Mapped[str]
    done: Mapped[int]
    total: Mapped[int]
    attempts: Mapped[int]
    worker_id: Mapped[str | None]
    queue: Mapped[Device] = mapped_column(Text, server_default="cpu")
    turn: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    stored_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    traceparent: Mapped[str | None]
    verdict: Mapped[Verdict | None] = mapped_column(Text)


# The key, or a part of it, of what goes with its analysis.
OfAnalysis: TypeAlias = Annotated[
    str, mapped_column(ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True)
]


class LabelRow(Base):
    """One label of an analysis, with what listings by label need of the analysis.

    `project` and `created_at` are the analysis' own; `outcome` is its verdict, `failed`
    or `cancelled`, and null until it has ended. Triggers copy what the writer did not.
    """

    __tablename__ = "gh_labels"
    __table_args__ = (
        Index(None, "key", "value", *_NEWEST_LABELLED),
        Index(None, "project", "key", "value", *_NEWEST_LABELLED),
        _ended("outcome", "key", "value", "outcome", *_NEWEST_LABELLED),
        _ended("outcome", "project", "key", "value", "outcome", *_NEWEST_LABELLED),
    )

    analysis_id: Mapped[OfAnalysis]
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    project: Mapped[str | None]
    created_at: Mapped[datetime | None]
    outcome: Mapped[Verdict | Status | None] = mapped_column(Text)


class EventRow(Base):
    """What an analysis told on its way, numbered from 1: one of the two."""

    __tablename__ = "gh_events"

    analysis_id: Mapped[OfAnalysis]
    number: Mapped[int] = mapped_column(primary_key=True)
    finding: Mapped[Finding | None] = mapped_column(Json(Finding))
    trial: Mapped[TriedFix | None] = mapped_column(Json(TriedFix))


class TraceRow(Base):
    """The measured traces, compressed."""

    __tablename__ = "gh_traces"

    analysis_id: Mapped[OfAnalysis]
    chunk: Mapped[bytes] = mapped_column(LargeBinary)
