"""The gradient shrinks on its way back through the layers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..causes import of_decay
from ..schemas.finding import Finding
from .base import (
    FAINT,
    STEEP,
    STEEP_FACTOR,
    VANISHED,
    Case,
    Detector,
    Threshold,
    evidence,
    structural_finding,
)

# How sure a steep fall is the reason that a shallow network fails.
SHALLOW_CERTAINTY = 0.85


@dataclass(frozen=True)
class VanishingGradient(Detector):
    """J < 1e-3 at the start, or a steep fall in a network that fails.

    J is the backward gain from the last hidden station to the first:
    J_l = ||delta_l|| / ||delta_last|| for a random cotangent; its logarithm falls
    linearly with depth when sqrt(chi) < 1 (Schoenholz 2017). A layer's gradient that
    is small because the loss is has no small J.
    """

    problem: ClassVar[str] = "vanishing_gradient"
    precedence: ClassVar[int] = 6

    gain: Threshold = VANISHED
    steep_gain: Threshold = STEEP
    steep_factor: Threshold = STEEP_FACTOR
    faint: Threshold = FAINT

    def detect(self, case: Case) -> Finding | None:
        gains = case.statistics.log10_gain
        if gains.shape[1] < 2:  # noqa: PLR2004 -- a gain is between two stations
            return None
        if np.nanmax(case.statistics.at_start("dead_fraction"), initial=0.0) == 1.0:
            return None  # a dead layer passes nothing: that is no decay
        smallest, threshold = case.smallest_gain, self.gain
        certainty = smallest.certainty(self.gain.value)
        if not smallest.mean < self.gain.value:
            steepness = self.steep_gain, self.steep_factor, self.faint
            if not (case.is_harmed and case.falls_steeply(*steepness)):
                return None
            # Between the two thresholds some networks learn and others do not.
            threshold = self.steep_gain
            certainty = SHALLOW_CERTAINTY * smallest.certainty(threshold.value)
        stations = case.statistics.stations
        below = gains.mean(axis=0) < threshold.value
        return structural_finding(
            case,
            problem=self.problem,
            certainty=certainty,
            layers=[
                s.path for s, is_below in zip(stations, below, strict=True) if is_below
            ],
            shown_by=[evidence("log10_backward_gain", smallest, threshold)],
            cause=of_decay(case.statistics, case.network),
            explanation="The early layers receive next to nothing of the gradient "
            "that enters the last hidden layer, so they hardly change.",
        )
