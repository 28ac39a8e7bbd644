"""The gradient grows on its way back in time."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..schemas.finding import Cause, Finding
from ..statistics import LOG10_ZERO, FloatArray, Statistics, estimate
from .base import (
    DECADES_TOLERANCE,
    Case,
    Detector,
    Threshold,
    evidence,
    structural_finding,
)


@dataclass(frozen=True)
class TemporalExploding(Detector):
    """The temporal gain passes 1e3 at some lag (Pascanu 2013)."""

    problem: ClassVar[str] = "temporal_exploding_gradient"
    precedence: ClassVar[int] = 0

    gain: Threshold = Threshold(
        3.0, "log10 temporal gain", "orthogonal and gated recurrences stay near 1"
    )

    def detect(self, case: Case) -> Finding | None:
        largest = estimate(_largest(case.statistics), DECADES_TOLERANCE)
        if not largest.mean > self.gain.value:
            return None
        layers = case.statistics.recurrent_paths
        factor = 10 ** (largest.mean / _num_steps(case.statistics))
        return structural_finding(
            case,
            problem=self.problem,
            certainty=largest.certainty(self.gain.value),
            layers=layers,
            shown_by=[evidence("log10_temporal_gain", largest, self.gain)],
            cause=Cause(
                kind="recurrence",
                layers=layers,
                text=f"Each step back in time multiplies the gradient by {factor:.2f}: "
                "the recurrent weights stretch it.",
            ),
            explanation="The gradient of early time steps drowns all others, and one "
            "step throws the weights away.",
        )


def _largest(statistics: Statistics) -> FloatArray:
    """[S] log10 of the largest temporal gain; NaN when nothing is recurrent."""
    gains = [trace.lag_series.get("temporal_gain") for trace in statistics.traces]
    with np.errstate(divide="ignore"):
        largest = [np.nan if g is None else np.log10(np.max(g)) for g in gains]
    # Zero weights pass nothing on: that has no logarithm to average.
    return np.maximum(largest, LOG10_ZERO)


def _num_steps(statistics: Statistics) -> float:
    """Steps in time to where the gain is largest; mean over the seeds."""
    gains = [trace.lag_series.get("temporal_gain") for trace in statistics.traces]
    return max(1.0, float(np.mean([np.argmax(g) for g in gains if g is not None])))
