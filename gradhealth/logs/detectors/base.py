"""What a detector of logs is, and what it judges.

A log has no backward gain and often no loss that means something, so everything is
relative: a layer to its neighbours, a step to the run's own history, a norm to the loss
beside it. Evidence without harm is latent, and no alarm.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ... import student
from ...detectors.base import Threshold
from ...schemas.finding import Cause, Evidence, Finding, Severity
from ..histories.blocks import Floats
from ..histories.depth import DepthReading, read_depth
from ..histories.history import History
from ..histories.loss import Learning, LossReading
from ..histories.norms import NormReading

# How sure each word about learning is.
_CERTAINTY: dict[Learning, float] = {
    "learned": 0.95,
    "stuck": 0.9,
    "diverged": 0.95,
    "unknown": 0.5,
}


@dataclass(frozen=True)
class Run:
    """One run as its log shows it."""

    history: History

    @cached_property
    def loss(self) -> LossReading:
        """The loss, or what stands in for it."""
        name = next((n for n in LOSSES if n in self.history.series_names), "loss")
        return LossReading(
            self.history.points(name), self.history.context, self.history.series_names
        )

    @cached_property
    def norms(self) -> NormReading:
        """The norm of all gradients."""
        return NormReading(self.history.points("grad_norm"))

    @cached_property
    def depth(self) -> DepthReading | None:
        """Gradient norms by depth; null where the order of layers is unknown."""
        return read_depth(self.history, "grad_norm")

    @property
    def learning(self) -> Learning:
        """Whether the loss shows that something was learned."""
        return self.loss.learning

    @property
    def is_harmed(self) -> bool:
        """Whether the loss shows that learning failed."""
        return self.learning in ("stuck", "diverged")

    @property
    def harm_certainty(self) -> float:
        """How sure that is."""
        return _CERTAINTY[self.learning]

    def starts(self, name: str) -> Floats:
        """[L] the first value of a layer series; NaN where there is none."""
        table = self.history.layer_table(name)
        return np.full(0, math.nan) if table is None else table.first

    def ends(self, name: str) -> Floats:
        """[L] its latest value."""
        table = self.history.layer_table(name)
        return np.full(0, math.nan) if table is None else table.last

    def paths(self, columns: Iterable[int]) -> list[str]:
        """Names of layers."""
        return [self.history.layers[int(column)].path for column in columns]


# The first of these that was logged is the loss.
LOSSES = ("loss", "eval_loss")


class LogDetector(ABC):
    """One problem, and what shows it in a log.

    Attributes:
        problem: The stable name, equal to the module's.
        precedence: Lower stands first where several problems are equally severe:
            causes before their consequences.
        is_last_resort: Reported only when no other problem explains the harm.
    """

    problem: ClassVar[str]
    precedence: ClassVar[int]
    is_last_resort: ClassVar[bool] = False

    @abstractmethod
    def detect(self, run: Run) -> Finding | None:
        """The finding, or nothing."""


def evidence(
    statistic: str, value: float, threshold: Threshold | None = None, unit: str = ""
) -> Evidence:
    """A number of the log beside what it is held against."""
    return Evidence(
        statistic=statistic,
        value=value,
        threshold=None if threshold is None else threshold.value,
        unit=unit if threshold is None else threshold.unit,
    )


def beyond(value: float, threshold: float, tolerance: float) -> float:
    """Probability that the true value lies on the value's side of the threshold.

    Args:
        value: What was read from the log.
        threshold: What it is held against.
        tolerance: Standard error of the value, from what a log leaves open.
    """
    if not math.isfinite(value):
        return 1.0
    return student.cdf(abs(value - threshold) / tolerance, math.inf)


def severity_by_harm(run: Run) -> Severity:
    """Critical beside harm, a warning where none can be seen, else latent."""
    if run.is_harmed:
        return "critical"
    return "info" if run.learning == "learned" else "warning"


def finding(  # noqa: PLR0913 -- the parts of a finding
    *,
    problem: str,
    severity: Severity,
    certainty: float,
    step: int | None,
    shown_by: Sequence[Evidence],
    cause: Cause,
    explanation: str,
    layers: Sequence[str] = (),
    consequence_of: str | None = None,
) -> Finding:
    """A finding about a log; `step` is null for what is there from the start."""
    return Finding(
        problem=problem,
        severity=severity,
        confidence=round(certainty, 3),
        step=step,
        layers=list(layers),
        evidence=list(shown_by),
        cause=cause,
        explanation=explanation,
        consequence_of=consequence_of,
    )
