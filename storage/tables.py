"""The tables: an analysis, its result in rows SQL can question, the workers."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal, TypeAlias

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from gradhealth.ingest import LogMapping
from gradhealth.schemas.analysis import (
    Device,
    Environment,
    Kind,
    Options,
    Status,
    Theory,
)
from gradhealth.schemas.curve import Curve, LayerCurve
from gradhealth.schemas.event import TriedFix
from gradhealth.schemas.finding import Cause, Evidence, Finding, Severity, Verdict
from gradhealth.schemas.fix import ScreenedOut
from gradhealth.schemas.run import AlertState, OpenProblem
from gradhealth.schemas.sign import Sign
from gradhealth.schemas.trace import TracedLayer
from gradhealth.schemas.webhook import DeliveryState, EventType
from gradhealth.schemas.worker import WorkerState

from .columns import Json, Number, String, UtcTime

OPEN: tuple[Status, ...] = ("queued", "running")
# What a key may do.
Scope: TypeAlias = Literal["read", "write", "admin"]
# attempt: a worker, or a new training process, began with an analysis. crash: its
# training process died. end: it ended. take_over: a worker began with what another had
# left running. wait: its first worker came.
Happening: TypeAlias = Literal["attempt", "crash", "end", "take_over", "wait"]


class Base(DeclarativeBase):
    """Names every constraint, so that a migration can name it too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {str: String, float: Number, datetime: UtcTime}


class AnalysisRow(Base):
    """An analysis: what is asked for and how far it is.

    `attempts` is also the fencing token: whoever works on the analysis may write to
    it only while the number is the one its claim returned. The queue takes the
    smallest `turn` first (see `turns.py`).
    """

    __tablename__ = "gh_analyses"
    __table_args__ = (
        UniqueConstraint("project", "idempotency_key"),
        Index(None, "created_at", "id"),
        Index(None, "project", "created_at", "id"),
        Index("ix_gh_analyses_project_name", "project", "name", "created_at"),
        Index(None, "status", "project"),
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


class LabelRow(Base):
    """One label of an analysis."""

    __tablename__ = "gh_labels"
    __table_args__ = (Index(None, "key", "value"),)

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class ResultRow(Base):
    """What an analysis found, as a whole.

    `document` is the result as it is sent; null where it was stored before there were
    such documents.
    """

    __tablename__ = "gh_results"
    __table_args__ = (Index(None, "verdict"),)

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    verdict: Mapped[Verdict] = mapped_column(Text)
    primary_problem: Mapped[str | None]
    summary: Mapped[str]
    notes: Mapped[list[str]] = mapped_column(Json(list[str]))
    curves: Mapped[dict[str, Curve]] = mapped_column(Json(dict[str, Curve]))
    layer_curves: Mapped[dict[str, LayerCurve]] = mapped_column(
        Json(dict[str, LayerCurve]), server_default="{}"
    )
    signs: Mapped[list[Sign]] = mapped_column(Json(list[Sign]), server_default="[]")
    theory: Mapped[Theory | None] = mapped_column(Json(Theory))
    environment: Mapped[Environment] = mapped_column(Json(Environment))
    document: Mapped[str | None]


class FindingRow(Base):
    """One finding; `position` keeps the ranking."""

    __tablename__ = "gh_findings"
    __table_args__ = (Index(None, "problem", "severity"),)

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    problem: Mapped[str]
    severity: Mapped[Severity] = mapped_column(Text)
    confidence: Mapped[float]
    layers: Mapped[list[str]] = mapped_column(Json(list[str]))
    evidence: Mapped[list[Evidence]] = mapped_column(Json(list[Evidence]))
    cause: Mapped[Cause] = mapped_column(Json(Cause))
    explanation: Mapped[str]
    consequence_of: Mapped[str | None]
    step: Mapped[int | None] = mapped_column(BigInteger)


class LayerRow(Base):
    """One layer of the analysed network."""

    __tablename__ = "gh_layers"

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]
    type: Mapped[str]
    depth: Mapped[int]


class LayerStatisticRow(Base):
    """One statistic of one layer, at the three stages of the training."""

    __tablename__ = "gh_layer_statistics"

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    statistic: Mapped[str] = mapped_column(primary_key=True)
    start_mean: Mapped[float | None]
    start_spread: Mapped[float | None]
    middle_mean: Mapped[float | None]
    middle_spread: Mapped[float | None]
    end_mean: Mapped[float | None]
    end_spread: Mapped[float | None]


class FixRow(Base):
    """One fix; the columns from `verified` on are its trial, null when untried."""

    __tablename__ = "gh_fixes"
    __table_args__ = (Index(None, "name", "verified"),)

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    title: Mapped[str]
    why: Mapped[str]
    spec: Mapped[dict[str, Any] | None] = mapped_column(Json(dict[str, Any]))
    patch: Mapped[list[dict[str, Any]]] = mapped_column(Json(list[dict[str, Any]]))
    snippet: Mapped[str]
    verified: Mapped[bool | None]
    screened_out: Mapped[ScreenedOut | None] = mapped_column(Json(ScreenedOut))
    seeds: Mapped[list[int] | None] = mapped_column(Json(list[int]))
    lr_multiplier: Mapped[float | None]
    before_progress: Mapped[float | None]
    before_loss_last: Mapped[float | None]
    before_backward_gain: Mapped[float | None]
    before_loss: Mapped[Curve | None] = mapped_column(Json(Curve))
    after_progress: Mapped[float | None]
    after_loss_last: Mapped[float | None]
    after_backward_gain: Mapped[float | None]
    after_loss: Mapped[Curve | None] = mapped_column(Json(Curve))
    gain: Mapped[float | None]


class EventRow(Base):
    """What an analysis told on its way, numbered from 1: one of the two."""

    __tablename__ = "gh_events"

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    finding: Mapped[Finding | None] = mapped_column(Json(Finding))
    trial: Mapped[TriedFix | None] = mapped_column(Json(TriedFix))


class TraceRow(Base):
    """The measured traces, compressed."""

    __tablename__ = "gh_traces"

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    chunk: Mapped[bytes] = mapped_column(LargeBinary)


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


class ChunkRow(Base):
    """One statistic of one batch, compressed; the one without name is of all series.

    `batch_bytes` is the size of all chunks of the batch.
    """

    __tablename__ = "gh_chunks"

    run_id: Mapped[str] = mapped_column(
        ForeignKey(RunRow.id, ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    first_step: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    last_step: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)
    batch_bytes: Mapped[int] = mapped_column(BigInteger)
    chunk: Mapped[bytes] = mapped_column(LargeBinary)


class AlertRow(Base):
    """A problem of a run that appeared or is gone, numbered from 1."""

    __tablename__ = "gh_alerts"

    run_id: Mapped[str] = mapped_column(
        ForeignKey(RunRow.id, ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    state: Mapped[AlertState] = mapped_column(Text)
    problem: Mapped[str]
    severity: Mapped[Severity] = mapped_column(Text)
    step: Mapped[int] = mapped_column(BigInteger)
    finding: Mapped[Finding | None] = mapped_column(Json(Finding))


class UploadRow(Base):
    """A log as it was sent, and how it is to be read; goes with its last analysis."""

    __tablename__ = "gh_uploads"
    # The sum over a project is read from the index alone.
    __table_args__ = (Index(None, "project", "stored_bytes"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str]
    filename: Mapped[str]
    format: Mapped[str]
    mapping: Mapped[LogMapping] = mapped_column(Json(LogMapping))
    stored_bytes: Mapped[int] = mapped_column(BigInteger)


class UploadChunkRow(Base):
    """A piece of an upload's content."""

    __tablename__ = "gh_upload_chunks"

    upload_id: Mapped[str] = mapped_column(
        ForeignKey(UploadRow.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    chunk: Mapped[bytes] = mapped_column(LargeBinary)


class UploadRunRow(Base):
    """The run of an upload that an analysis is about; null until it was read."""

    __tablename__ = "gh_upload_runs"
    __table_args__ = (Index(None, "upload_id"),)

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    upload_id: Mapped[str] = mapped_column(ForeignKey(UploadRow.id))
    run: Mapped[str | None]


class UnitRow(Base):
    """A unit of an analysis' work, until the analysis ends.

    `reply` is kept for whoever takes the analysis over. `offered`: a worker that has
    nothing else to do may do it; `worker_id` is the one that does.
    """

    __tablename__ = "gh_units"
    __table_args__ = (Index(None, "offered", "device", "worker_id"),)

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey(AnalysisRow.id, ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    arguments: Mapped[str]
    device: Mapped[Device] = mapped_column(Text)
    offered: Mapped[bool]
    worker_id: Mapped[str | None]
    reply: Mapped[str | None]


class WorkerRow(Base):
    """What a worker last said of itself; times in seconds by the database's clock."""

    __tablename__ = "gh_workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str]
    beat_at: Mapped[float]
    exposed: Mapped[list[str]] = mapped_column(Json(list[str]), server_default="[]")
    started_at: Mapped[float] = mapped_column(server_default="0")
    version: Mapped[str] = mapped_column(server_default="")
    queues: Mapped[list[str]] = mapped_column(Json(list[str]), server_default="[]")
    state: Mapped[WorkerState] = mapped_column(Text, server_default="ready")
    reason: Mapped[str] = mapped_column(server_default="")


class UsageRow(Base):
    """The seconds workers gave to a project's analyses that ended on a day, in UTC."""

    __tablename__ = "gh_usage"

    project: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    work_seconds: Mapped[float] = mapped_column(Double)


class TallyRow(Base):
    """How often something happened to analyses; seconds where it took time."""

    __tablename__ = "gh_tallies"

    what: Mapped[Happening] = mapped_column(Text, primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    up_to_seconds: Mapped[float] = mapped_column(Double, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Double)


class WebhookRow(Base):
    """An address that is told what happens in a project.

    The secret is kept as it is: what is sent is signed with it.
    """

    __tablename__ = "gh_webhooks"
    __table_args__ = (Index(None, "project"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[EventType]] = mapped_column(Json(list[EventType]))
    secret: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class DeliveryRow(Base):
    """Something a webhook is to be told; `due_at` is in the database's seconds."""

    __tablename__ = "gh_deliveries"
    __table_args__ = (
        Index(None, "state", "due_at"),
        Index(None, "webhook_id", "created_at"),
        Index(None, "ended_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    webhook_id: Mapped[str] = mapped_column(
        ForeignKey(WebhookRow.id, ondelete="CASCADE")
    )
    type: Mapped[EventType] = mapped_column(Text)
    body: Mapped[str]
    state: Mapped[DeliveryState] = mapped_column(Text)
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[float] = mapped_column(Double)
    ended_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]


class KeyRow(Base):
    """An API key. Revoked ones stay: a service that once had keys goes on asking."""

    __tablename__ = "gh_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    name: Mapped[str]
    project: Mapped[str]
    scopes: Mapped[list[Scope]] = mapped_column(Json(list[Scope]))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class SignInRow(Base):
    """A browser that showed a key; what it has is a secret of its own."""

    __tablename__ = "gh_sign_ins"
    __table_args__ = (Index(None, "expires_at"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey(KeyRow.id, ondelete="CASCADE"))
    expires_at: Mapped[datetime]
