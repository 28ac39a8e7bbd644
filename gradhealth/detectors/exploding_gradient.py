"""The gradient grows on its way back, or the steps it makes blow the network up."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..causes import of_divergence, of_growth
from ..schemas.finding import Evidence, Finding
from ..statistics import Estimate, FloatArray, Statistics, estimate
from .base import (
    COLLAPSE,
    DECADES_TOLERANCE,
    Case,
    Detector,
    Threshold,
    evidence,
    structural_finding,
)


@dataclass(frozen=True)
class ExplodingGradient(Detector):
    """J > 1e3 at the start, or divergence that growth preceded.

    Divergence counts when the loss ended above 3 times the larger of the trivial and
    the first loss, or was not finite; or when a network that fails made a first update
    larger than half of its weights, or its activations or its loss were far too large.
    """

    problem: ClassVar[str] = "exploding_gradient"
    precedence: ClassVar[int] = 1

    gain: Threshold = Threshold(
        3.0,
        "log10 J",
        "networks with norms and skips grow like sqrt(L) and stay below 20 at 100 "
        "layers; batch norm without skips passes 1e3 near 36 layers (Yang 2019)",
    )
    divergence: Threshold = Threshold(
        3.0, "last loss / max(trivial, first)", "no healthy run ends above its start"
    )
    first_update: Threshold = Threshold(
        0.5, "update / weight", "healthy first updates stay below 0.02"
    )
    forward_growth: Threshold = Threshold(
        1e3, "activation std / first", "healthy trunks stay within a decade"
    )
    peak: Threshold = Threshold(
        30.0, "peak / trivial loss", "spikes of healthy runs recover"
    )

    def detect(self, case: Case) -> Finding | None:
        return self._structural(case) or self._divergence(case)

    def _structural(self, case: Case) -> Finding | None:
        gains = case.statistics.log10_gain
        if gains.shape[1] < 2:  # noqa: PLR2004 -- a gain is between two stations
            return None
        largest = estimate(gains.max(axis=1), DECADES_TOLERANCE)
        if not largest.mean > self.gain.value:
            return None
        stations = case.statistics.stations
        above = gains.mean(axis=0) > self.gain.value
        return structural_finding(
            case,
            problem=self.problem,
            certainty=largest.certainty(self.gain.value),
            layers=[
                s.path for s, is_above in zip(stations, above, strict=True) if is_above
            ],
            shown_by=[evidence("log10_backward_gain", largest, self.gain)],
            cause=of_growth(case.statistics, case.network),
            explanation="The gradient that reaches the early layers is many times the "
            "one that enters the last hidden layer; one step throws the weights away.",
        )

    def _divergence(self, case: Case) -> Finding | None:
        statistics = case.statistics
        broken = statistics.context.non_finite
        if not case.is_harmed or (broken is not None and broken.where == "data"):
            return None
        if case.is_off_at_start:
            return None  # biases make the outputs large, and no gradient grows
        start = np.fmax(statistics.loss_first, statistics.trivial_loss)
        ratio = estimate(statistics.loss_last / start, 0.1)
        first_update = estimate(_largest(_growing_updates(statistics)), 0.1)
        growth = estimate(statistics.forward_growth, 0.1)
        peak = estimate(statistics.loss_peak / statistics.trivial_loss, 0.1)
        held = [
            ("loss_ratio", ratio, self.divergence),
            ("first_update_ratio", first_update, self.first_update),
            ("forward_growth", growth, self.forward_growth),
            ("loss_peak_ratio", peak, self.peak),
        ]
        shown = [_beyond(*entry) for entry in held]
        if not any(shown):
            return None
        return structural_finding(
            case,
            problem=self.problem,
            certainty=max(
                value.certainty(limit.value)
                for (_, value, limit), entry in zip(held, shown, strict=True)
                if entry
            ),
            layers=[],
            shown_by=[entry for entry in shown if entry],
            cause=of_divergence(statistics, case.network),
            explanation="The gradients start out well, but the steps are so large "
            "that the loss runs away.",
        )


def _beyond(name: str, value: Estimate, threshold: Threshold) -> Evidence | None:
    if math.isnan(value.mean) or value.mean <= threshold.value:
        return None
    return evidence(name, value, threshold)


def _growing_updates(statistics: Statistics) -> FloatArray:
    """[S, L] first update / weight; NaN for weights that shrink to nothing.

    A penalty that takes half of the weights away is no large step (weight_collapse).
    """
    kept = np.nan_to_num(statistics.weight_ratio, nan=1.0) > COLLAPSE.value
    return np.asarray(np.where(kept, statistics.at_start("update_ratio"), np.nan))


def _largest(ratios: FloatArray) -> FloatArray:
    """[S] the largest of each row; a ratio to weights that are zero counts as none."""
    known = np.where(np.isfinite(ratios), ratios, 0.0)
    return np.asarray(np.max(known, axis=1, initial=0.0))
