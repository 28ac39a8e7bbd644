"""The gradient does not reach as far back in time as the task needs."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ..schemas.finding import Cause, Evidence, Finding
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
class TemporalVanishing(Detector):
    """||dL_T/dx_(T-lag)|| / ||dL_T/dx_T|| < 1e-3 at the lag the task needs.

    The cotangent is on the last time step alone: a loss at every step hides the
    decay. The factor a step is about the spectral radius of the recurrent weights
    times the activation's slope (Pascanu 2013), or the forget gate in an LSTM
    (Hochreiter & Schmidhuber 1997). Where the lag is unknown only the horizon is
    reported, since a short memory harms nobody who needs none.
    """

    problem: ClassVar[str] = "temporal_vanishing_gradient"
    precedence: ClassVar[int] = 5

    gain: Threshold = Threshold(
        -3.0, "log10 temporal gain", "no recall is learned in a short run below 1e-3"
    )

    def detect(self, case: Case) -> Finding | None:
        lag = case.statistics.context.lag
        if lag is None:
            return None
        reach = estimate(case.statistics.log10_temporal_gain(lag), DECADES_TOLERANCE)
        if not reach.mean < self.gain.value:
            return None
        factor = 10 ** (reach.mean / max(1, lag - 1))
        horizon = math.log(0.01) / math.log(factor)
        return structural_finding(
            case,
            problem=self.problem,
            certainty=reach.certainty(self.gain.value),
            layers=case.statistics.recurrent_paths,
            shown_by=[
                evidence("log10_temporal_gain", reach, self.gain),
                Evidence(
                    statistic="horizon", value=horizon, threshold=lag, unit="steps"
                ),
            ],
            cause=Cause(
                kind="recurrence",
                text=f"Each step back in time leaves {factor:.3f} of the gradient: "
                f"1 % is left after {horizon:.0f} steps, and the task needs {lag}.",
            ),
            explanation="What happened long ago cannot be learned, because the "
            "gradient is gone before it gets there.",
        )
