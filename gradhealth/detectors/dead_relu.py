"""Units that are zero for every input: no gradient passes through them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..architecture.network import Network
from ..schemas.finding import Cause, Finding
from ..statistics import estimate
from .base import DEAD, Case, Detector, Threshold, evidence, structural_finding

MANY_DEAD_AT_START = 0.5


@dataclass(frozen=True)
class DeadRelu(Detector):
    """At least 90 % of a layer's units are 0 on the whole probe set (Lu 2019).

    Not 50 %: in deep ordered networks half of the units look dead because all
    inputs have become alike; that is a consequence of vanishing.
    """

    problem: ClassVar[str] = "dead_relu"
    precedence: ClassVar[int] = 4

    share: Threshold = DEAD

    def detect(self, case: Case) -> Finding | None:
        ends = case.statistics.at_end("dead_fraction")
        if np.isnan(ends).all():
            return None
        by_seed = np.max(np.nan_to_num(ends, nan=0.0), axis=1)
        worst = estimate(by_seed, 0.02)
        if not case.is_harmed or worst.mean < self.share.value:
            return None
        means = np.mean(np.nan_to_num(ends, nan=0.0), axis=0)
        layers = case.statistics.layers
        dead = [
            layer.path
            for layer, mean in zip(layers, means, strict=True)
            if mean >= self.share.value
        ]
        starts = case.statistics.at_start("dead_fraction")
        is_late = case.vanishes_before(starts, self.share)
        return structural_finding(
            case,
            problem=self.problem,
            certainty=worst.certainty(self.share.value),
            consequence_of="vanishing_gradient" if is_late else None,
            layers=dead,
            shown_by=[evidence("dead_fraction", worst, self.share)],
            cause=_cause(case, dead, is_late=is_late),
            explanation="Units that are 0 for every input have no slope: neither they "
            "nor anything before them receives a gradient, and they stay dead.",
        )


def _cause(case: Case, layers: list[str], *, is_late: bool) -> Cause:
    if is_late:
        return Cause(
            kind="depth",
            layers=layers,
            text="Where the signal has vanished all samples look alike: a unit is 0 "
            "for all of them or for none.",
        )
    starts = np.nan_to_num(case.statistics.at_start("dead_fraction"), nan=0.0)
    if np.mean(np.max(starts, axis=1)) <= MANY_DEAD_AT_START:
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
        text=f"The units are dead from the start: {why} every pre-activation below 0.",
    )


def _negative_bias(network: Network | None) -> float | None:
    """The value that the spec fills biases with, where it is below 0."""
    rules = network.spec.init if network else []
    values = [
        rule.value for rule in rules if rule.value is not None and "bias" in rule.match
    ]
    return next((value for value in values if value < 0), None)
