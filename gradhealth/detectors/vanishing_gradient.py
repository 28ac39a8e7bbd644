"""The gradient shrinks on its way back through the layers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..causes import of_decay
from ..schemas.finding import Finding
from ..statistics import estimate
from .base import (
    DECADES_TOLERANCE,
    Case,
    Detector,
    Threshold,
    evidence,
    structural_finding,
)


@dataclass(frozen=True)
class VanishingGradient(Detector):
    """J < 1e-3 at the start: J is the backward gain from the last hidden station.

    J_l = ||delta_l|| / ||delta_last|| for a random cotangent; its logarithm falls
    linearly with depth when sqrt(chi) < 1 (Schoenholz 2017). A layer's gradient that
    is small because the loss is has no small J.
    """

    problem: ClassVar[str] = "vanishing_gradient"
    precedence: ClassVar[int] = 6

    gain: Threshold = Threshold(
        -3.0,
        "log10 J",
        "SGD no longer learns below 1e-3 in sigmoid, tanh and ReLU nets of 4 to 32 "
        "layers; norm-and-skip networks stay above 0.05",
    )

    def detect(self, case: Case) -> Finding | None:
        gains = case.statistics.log10_gain
        if gains.shape[1] < 2:  # noqa: PLR2004 -- a gain is between two stations
            return None
        if np.nanmax(case.statistics.at_start("dead_fraction"), initial=0.0) == 1.0:
            return None  # a dead layer passes nothing: that is no decay
        smallest = estimate(gains.min(axis=1), DECADES_TOLERANCE)
        if not smallest.mean < self.gain.value:
            return None
        stations = case.statistics.stations
        below = gains.mean(axis=0) < self.gain.value
        return structural_finding(
            case,
            problem=self.problem,
            certainty=smallest.certainty(self.gain.value),
            layers=[
                s.path for s, is_below in zip(stations, below, strict=True) if is_below
            ],
            shown_by=[evidence("log10_backward_gain", smallest, self.gain)],
            cause=of_decay(case.statistics, case.network),
            explanation="The early layers receive next to nothing of the gradient "
            "that enters the last hidden layer, so they hardly change.",
        )
