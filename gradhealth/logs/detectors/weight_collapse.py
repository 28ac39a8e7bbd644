"""Weights that shrink away."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...detectors.base import COLLAPSE, Threshold
from ...schemas.finding import Cause, Finding
from .base import LogDetector, Run, beyond, evidence, finding, severity_by_harm


@dataclass(frozen=True)
class WeightCollapse(LogDetector):
    """A layer's weights end at less than a tenth of the norm they started with."""

    problem: ClassVar[str] = "weight_collapse"
    precedence: ClassVar[int] = 3

    kept: Threshold = COLLAPSE

    def detect(self, run: Run) -> Finding | None:
        first, last = run.starts("weight_norm"), run.ends("weight_norm")
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = last / first
        shrunk = np.flatnonzero((first > 0) & (kept < self.kept.value))
        if not len(shrunk):
            return None
        smallest = float(kept[shrunk].min())
        return finding(
            problem=self.problem,
            severity=severity_by_harm(run),
            certainty=beyond(np.log10(max(smallest, 1e-30)), -1.0, 0.1)
            * run.harm_certainty,
            step=None,
            layers=run.paths(shrunk),
            shown_by=[evidence("norm_kept", smallest, self.kept)],
            cause=Cause(
                kind="weight_decay",
                layers=run.paths(shrunk),
                text="Weight decay or an L1 term takes more than the gradient gives.",
            ),
            explanation="Signals and gradients shrink with the weights they pass.",
        )
