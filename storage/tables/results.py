"""The result of an analysis, in rows that SQL can question."""

from typing import Any

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from gradhealth.schemas.analysis import Environment, Theory
from gradhealth.schemas.curve import Curve, LayerCurve
from gradhealth.schemas.finding import Cause, Evidence, Severity, Verdict
from gradhealth.schemas.fix import ScreenedOut
from gradhealth.schemas.sign import Sign

from ..database.columns import Json
from .analyses import OfAnalysis
from .base import Base


class ResultRow(Base):
    """What an analysis found, as a whole.

    `document` is the result as it is sent; null where it was stored before there were
    such documents.
    """

    __tablename__ = "gh_results"

    analysis_id: Mapped[OfAnalysis]
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

    analysis_id: Mapped[OfAnalysis]
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

    analysis_id: Mapped[OfAnalysis]
    position: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]
    type: Mapped[str]
    depth: Mapped[int]


class LayerStatisticRow(Base):
    """One statistic of one layer, at the three stages of the training."""

    __tablename__ = "gh_layer_statistics"

    analysis_id: Mapped[OfAnalysis]
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

    analysis_id: Mapped[OfAnalysis]
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
