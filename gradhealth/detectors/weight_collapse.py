"""Weights go to zero."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..schemas.finding import Cause, Finding
from ..statistics import estimate
from .base import COLLAPSE, Case, Detector, Threshold, evidence, structural_finding

ZERO_NORM = 1e-6


@dataclass(frozen=True)
class WeightCollapse(Detector):
    """A weight matrix lost 90 % of its norm, or was nothing from the start."""

    problem: ClassVar[str] = "weight_collapse"
    precedence: ClassVar[int] = 3

    ratio: Threshold = COLLAPSE

    def detect(self, case: Case) -> Finding | None:
        statistics = case.statistics
        if not case.is_harmed:
            return None
        starts = statistics.at_start("weight_norm")
        known = ~np.isnan(starts).any(axis=0)
        ratios = np.where(starts > ZERO_NORM, statistics.weight_ratio, 0.0)[:, known]
        if not ratios.size:
            return None
        smallest = estimate(np.min(ratios, axis=1), 0.02)
        if not smallest.mean < self.ratio.value:
            return None
        paths = np.array([layer.path for layer in statistics.layers])[known]
        gone = ratios.mean(axis=0) < self.ratio.value
        layers = [str(path) for path in paths[gone]]
        return structural_finding(
            case,
            problem=self.problem,
            certainty=smallest.certainty(self.ratio.value),
            layers=layers,
            shown_by=[evidence("weight_norm_ratio", smallest, self.ratio)],
            cause=_cause(
                case, layers, from_start=bool((starts[:, known] <= ZERO_NORM).any())
            ),
            explanation="Weights near 0 pass on neither signal nor gradient.",
        )


def _cause(case: Case, layers: list[str], *, from_start: bool) -> Cause:
    training = case.network.spec.training if case.network else None
    if from_start:
        return Cause(
            kind="initialisation", layers=layers, text="The weights start at zero."
        )
    if training is not None and (training.optimizer.weight_decay or training.l1):
        strength = training.optimizer.weight_decay or training.l1
        return Cause(
            kind="weight_decay",
            layers=layers,
            text=f"A penalty of {strength:g} pulls the weights to 0 faster than the "
            "gradient can hold them.",
        )
    return Cause(kind="unknown", layers=layers, text="The weights shrink to nothing.")
