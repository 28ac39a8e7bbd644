"""What a detector is, and how it speaks of harm, certainty and evidence.

Structure (what a network does to gradients) and harm (whether it learns) are judged
apart: evidence without harm is latent, and no alarm.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..architecture.network import Network
from ..schemas.finding import Cause, Evidence, Finding, Severity
from ..statistics import Estimate, FloatArray, Statistics, estimate


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that decides, with its unit and where it comes from."""

    value: float
    unit: str
    source: str


HARM = Threshold(
    0.5,
    "progress",
    "half of the way from the best constant predictor to the loss floor; a network "
    "whose gradients do not arrive stays at 0, since only its output bias learns",
)
VANISHED = Threshold(
    -3.0,
    "log10 J",
    "SGD no longer learns below 1e-3 in sigmoid, tanh and ReLU nets of 4 to 32 "
    "layers; norm-and-skip networks stay above 0.05",
)
DEAD = Threshold(
    0.9, "units", "healthy layers stay below 0.6, vanishing ones below 0.85"
)
ACTIVE = Threshold(
    0.01,
    "(sample, unit) pairs above 0",
    "a ReLU passes on the square root of this share of a gradient: 0.1, where one that "
    "is on for half of its inputs passes on 0.7",
)
STEEP = Threshold(
    -1.5,
    "log10 J",
    "a 4-layer sigmoid network (J = 0.01) does not learn by SGD; held against it only "
    "where the network fails and no other problem says why",
)
STEEP_FACTOR = Threshold(
    0.5,
    "backward factor a layer",
    "sigmoid leaves 0.24 and torch's default ReLU 0.41; tuned weights 0.9 and more",
)
FAINT = Threshold(
    0.01,
    "activation std at the last hidden layer / the first",
    "a signal that shrinks a hundredfold is lost beside the biases; healthy trunks "
    "stay within a decade",
)
COLLAPSE = Threshold(
    0.1, "norm at the end / start", "healthy matrices keep more than 0.8"
)
# Fewer updates than this say nothing about learning.
MIN_STEPS = 20
# Harm that is assumed was never wrong in 76 networks of the accuracy suite.
ASSUMED_CERTAINTY = 0.95
# Harm that is less sure than this is borderline.
SURE_OF_HARM = 0.8
# Error that many seeds leave: of progress on one task as a measure of harm, ...
PROGRESS_TOLERANCE = 0.1
# ... and of the measured gain (pooling and strides alter it by half a decade).
DECADES_TOLERANCE = 0.5


@dataclass(frozen=True)
class Case:
    """What a detector judges.

    Attributes:
        network: The architecture; null for a log.
        harm_is_assumed: Nothing was trained, for the start makes sure that it fails.
    """

    statistics: Statistics
    network: Network | None = None
    harm_is_assumed: bool = False

    @cached_property
    def progress(self) -> Estimate:
        """How much was learned, a run that is not finite counting as nothing."""
        progress = self.statistics.progress.copy()
        progress[~self.statistics.finite] = 0.0
        return estimate(progress, PROGRESS_TOLERANCE)

    @property
    def is_trained(self) -> bool:
        """Whether there were steps enough to speak of learning."""
        return (
            self.statistics.num_steps >= MIN_STEPS or not self.statistics.finite.all()
        ) and not math.isnan(self.progress.mean)

    @property
    def has_gain(self) -> bool:
        """Whether a gain over depth, or over the lag that is needed, was measured."""
        lag = self.statistics.context.lag
        in_time = lag and not np.isnan(self.statistics.log10_temporal_gain(lag)).all()
        return bool(in_time) or self.statistics.log10_gain.shape[1] > 1

    @property
    def is_harmed(self) -> bool:
        """Whether the network failed to learn."""
        if self.harm_is_assumed:
            return True
        return self.is_trained and self.progress.mean < HARM.value

    @cached_property
    def smallest_gain(self) -> Estimate:
        """log10 of the smallest backward gain at the start; no value with one layer."""
        return _smallest(self.statistics.log10_gain)

    @cached_property
    def smallest_gain_at_end(self) -> Estimate:
        """log10 of the smallest backward gain at the end; no value with one layer."""
        return _smallest(self.statistics.log10_gain_at_end)

    @cached_property
    def is_off_at_start(self) -> bool:
        """Whether some layer starts off for all inputs, or nearly all."""
        dead = np.nan_to_num(self.statistics.at_start("dead_fraction"))
        active = np.nan_to_num(self.statistics.at_start("active_fraction"), nan=1.0)
        return bool(
            np.mean(np.max(dead, axis=1, initial=0.0)) >= DEAD.value
            or np.mean(np.min(active, axis=1, initial=1.0)) < ACTIVE.value
        )

    def vanishes_before(self, shares: FloatArray, threshold: Threshold) -> bool:
        """Whether the gradient vanished before units came to be dead or saturated.

        Args:
            shares: [S, L] of dead or saturated units at the start.
            threshold: The share that is a problem.
        """
        worst = np.max(np.nan_to_num(shares, nan=0.0), axis=1, initial=0.0)
        came_later = bool(np.mean(worst) < threshold.value)
        return came_later and (
            self.smallest_gain.mean < VANISHED.value or self.falls_steeply()
        )

    def falls_steeply(
        self,
        gain: Threshold = STEEP,
        factor: Threshold = STEEP_FACTOR,
        faint: Threshold = FAINT,
    ) -> bool:
        """Whether the gradient falls too fast a layer, or the signal with it."""
        decades = self.smallest_gain.mean
        if not decades < gain.value:
            return False
        num_layers = self.statistics.log10_gain.shape[1] - 1
        if 10 ** (decades / num_layers) < factor.value:
            return True
        return bool(np.mean(self.statistics.forward_change) < faint.value)

    @property
    def harm_severity(self) -> Severity:
        """How severe evidence is beside this harm: what is borderline only warns."""
        if not self.is_harmed:
            return "info"
        if self.harm_is_assumed:
            return "critical"
        return "critical" if self.harm_certainty > SURE_OF_HARM else "warning"

    @property
    def harm_certainty(self) -> float:
        """How sure it is that learning failed, or did not."""
        if self.harm_is_assumed:
            return ASSUMED_CERTAINTY
        return self.progress.certainty(HARM.value) if self.is_trained else 0.5

    @property
    def harm_evidence(self) -> Evidence:
        """Progress beside its threshold."""
        return evidence("progress", self.progress, HARM)


class Detector(ABC):
    """One problem, and the numbers that show it.

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
    def detect(self, case: Case) -> Finding | None:
        """The finding, or nothing."""


def _smallest(gains: FloatArray) -> Estimate:
    smallest = gains.min(axis=1) if gains.shape[1] > 1 else []
    return estimate(smallest, DECADES_TOLERANCE)


def evidence(statistic: str, value: Estimate, threshold: Threshold | None) -> Evidence:
    """An estimate as a number of the result."""
    return Evidence(
        statistic=statistic,
        value=value.mean,
        spread=None if math.isnan(value.spread) else value.spread,
        threshold=None if threshold is None else threshold.value,
        unit="" if threshold is None else threshold.unit,
    )


def structural_finding(  # noqa: PLR0913 -- the parts of a finding
    case: Case,
    *,
    problem: str,
    certainty: float,
    layers: list[str],
    shown_by: list[Evidence],
    cause: Cause,
    explanation: str,
    consequence_of: str | None = None,
) -> Finding:
    """A finding about structure, as severe as the harm beside it.

    `certainty` is the probability that the structural evidence is real.
    """
    severity: Severity = "warning"
    confidence = certainty * 0.5
    if case.is_trained or case.harm_is_assumed:
        severity = case.harm_severity
        confidence = certainty * case.harm_certainty
    return Finding(
        problem=problem,
        severity=severity,
        confidence=round(confidence, 3),
        layers=layers,
        evidence=[*shown_by, case.harm_evidence] if case.is_trained else shown_by,
        cause=cause,
        explanation=explanation,
        consequence_of=consequence_of,
    )
