"""Findings: a problem, the numbers that show it, and the cause behind it."""

from typing import Literal

from ..documents.base import Record

Severity = Literal["info", "warning", "critical"]
Verdict = Literal["healthy", "warning", "critical", "insufficient_data"]
CauseKind = Literal[
    "activation",
    "initialisation",
    "learning_rate",
    "optimizer",
    "depth",
    "normalisation",
    "residual",
    "input_scale",
    "target_scale",
    "loss",
    "weight_decay",
    "clipping",
    "precision",
    "recurrence",
    "data",
    "labels",
    "unknown",
]

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")


class Evidence(Record):
    """One measured number beside the threshold it was held against.

    Attributes:
        value: Mean over the seeds.
        spread: Standard deviation over the seeds; null with fewer than two.
        threshold: null where the number informs but decides nothing.
    """

    statistic: str
    value: float
    spread: float | None = None
    threshold: float | None = None
    unit: str = ""


class Cause(Record):
    """Why the problem arises: the responsible layers and one sentence."""

    kind: CauseKind
    layers: list[str] = []
    text: str


class Finding(Record):
    """A problem found, how sure we are, and why.

    Attributes:
        consequence_of: The problem of which this one is merely a consequence.
        step: Where in the run it begins; null: it is there from the start.
    """

    problem: str
    severity: Severity
    confidence: float
    layers: list[str] = []
    evidence: list[Evidence] = []
    cause: Cause
    explanation: str
    consequence_of: str | None = None
    step: int | None = None
