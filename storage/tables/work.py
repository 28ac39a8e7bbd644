"""The workers, what they share, and what is counted of it."""

from datetime import date
from typing import Literal, TypeAlias

from sqlalchemy import BigInteger, Double, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from gradhealth.schemas.analysis import Device
from gradhealth.schemas.worker import WorkerState

from ..database.columns import Json
from .analyses import OfAnalysis
from .base import Base

# attempt: a worker, or a new training process, began with an analysis. crash: its
# training process died. end: it ended. take_over: a worker began with what another had
# left running. wait: its first worker came.
Happening: TypeAlias = Literal["attempt", "crash", "end", "take_over", "wait"]


class UnitRow(Base):
    """A unit of an analysis' work, until the analysis ends.

    `reply` is kept for whoever takes the analysis over. `offered`: a worker that has
    nothing else to do may do it; `worker_id` is the one that does.
    """

    __tablename__ = "gh_units"
    __table_args__ = (Index(None, "offered", "device", "worker_id"),)

    analysis_id: Mapped[OfAnalysis]
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
