"""Units that are zero for every input, or nearly every: no gradient passes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..architecture.network import Network
from ..schemas.finding import Cause, Finding
from ..schemas.training import InitRule
from ..statistics import Estimate, FloatArray, estimate
from .base import ACTIVE, DEAD, Case, Detector, Threshold, evidence, structural_finding

MANY_DEAD_AT_START = 0.5


@dataclass(frozen=True)
class DeadRelu(Detector):
    """90 % of a layer's units are always 0 (Lu 2019), or 99 % of its outputs are.

    Not 50 % of the units: in deep ordered networks half of them look dead because all
    inputs have become alike; that is a consequence of vanishing. Of the outputs, since
    a unit that a rare outlier turns on is not dead by the letter but learns as little:
    with a share p of (sample, unit) pairs above 0 a layer passes on sqrt(p) of a
    gradient (the p = E[phi'^2] of mean-field theory). A convolution has so many
    positions that some outlier turns on nearly every channel.
    """

    problem: ClassVar[str] = "dead_relu"
    precedence: ClassVar[int] = 4

    share: Threshold = DEAD
    active: Threshold = ACTIVE

    def detect(self, case: Case) -> Finding | None:
        if not case.is_harmed:
            return None
        dead, active = _by_layer(case.statistics.at_end)
        # What revives in the second half has no time left to learn.
        active = np.fmin(active, case.statistics.half_way("active_fraction"))
        most_dead = estimate(np.max(dead, axis=1, initial=0.0), 0.02)
        least_active = estimate(np.min(active, axis=1, initial=1.0), 0.002)
        shown: list[tuple[str, Estimate, Threshold]] = []
        if most_dead.mean >= self.share.value:
            shown.append(("dead_fraction", most_dead, self.share))
        if least_active.mean < self.active.value:
            shown.append(("active_fraction", least_active, self.active))
        if not shown:
            return None
        is_off = (dead.mean(axis=0) >= self.share.value) | (
            active.mean(axis=0) < self.active.value
        )
        layers = [
            case.statistics.layers[index].path for index in np.flatnonzero(is_off)
        ]
        is_late = not case.is_off_at_start and case.vanishes_before(
            case.statistics.at_start("dead_fraction"), self.share
        )
        return structural_finding(
            case,
            problem=self.problem,
            certainty=max(value.certainty(limit.value) for _, value, limit in shown),
            consequence_of="vanishing_gradient" if is_late else None,
            layers=layers,
            shown_by=[evidence(*entry) for entry in shown],
            cause=_cause(case, layers, is_late=is_late),
            explanation="Units that are 0 have no slope: where they are 0 for every "
            "input, or nearly every one, next to no gradient reaches them or anything "
            "before them, and they stay so.",
        )


def _by_layer(series: Callable[[str], FloatArray]) -> tuple[FloatArray, FloatArray]:
    """[S, L] share of dead units, and of outputs above 0; none and all: unknown."""
    dead, active = series("dead_fraction"), series("active_fraction")
    return np.nan_to_num(dead, nan=0.0), np.nan_to_num(active, nan=1.0)


def _cause(case: Case, layers: list[str], *, is_late: bool) -> Cause:
    if is_late:
        return Cause(
            kind="depth",
            layers=layers,
            text="Where the signal has vanished all samples look alike: a unit is 0 "
            "for all of them or for none.",
        )
    dead, _ = _by_layer(case.statistics.at_start)
    if not case.is_off_at_start and np.mean(np.max(dead, axis=1)) <= MANY_DEAD_AT_START:
        return Cause(
            kind="learning_rate",
            layers=layers,
            text="The units were alive at the start and were killed by too large a "
            "step.",
        )
    bias = _negative_bias(case.network)
    why = "their biases or weights keep" if bias is None else f"biases of {bias:g} keep"
    return Cause(
        kind="initialisation",
        layers=layers,
        text=f"The units are dead from the start: {why} all or nearly all "
        "pre-activations below 0.",
    )


def _negative_bias(network: Network | None) -> float | None:
    """The value that the spec fills biases with, where it is below 0."""
    rules = network.spec.init if network else []
    values = [_filled_with(rule) for rule in rules if "bias" in rule.match]
    return next((value for value in values if value is not None and value < 0), None)


def _filled_with(rule: InitRule) -> float | None:
    return rule.val if rule.fn == "constant_" else rule.value
