"""The gradient grows out of all proportion: from layer to layer, or with the steps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding, Severity
from .base import LogDetector, Run, beyond, evidence, finding


@dataclass(frozen=True)
class ExplodingGradient(LogDetector):
    """J above 1e3, the same between layers, or 1000 times the run's own norms.

    In time the norm is held against the median of what came before: 100 times that,
    where the run then breaks (NaN, or a loss that stays up), 1000 times where it stays
    so to the end. A spike that passes, a large norm in the start-up and a large but
    steady norm are none of these.
    """

    problem: ClassVar[str] = "exploding_gradient"
    precedence: ClassVar[int] = 1

    gain: Threshold = Threshold(
        3.0,
        "log10 J",
        "the sqrt(L) growth of norm-and-skip networks stays below 1.3 up to 100 layers",
    )
    total: Threshold = Threshold(
        3.0, "log10 of first / last layer's norm", "the same bound as for J"
    )
    consistency: Threshold = Threshold(
        0.7, "rank correlation with depth", "as for vanishing gradients"
    )
    before_break: Threshold = Threshold(
        2.0,
        "decades above the run's norms before",
        "norms of healthy runs spread over less than 1 decade after the start-up",
    )
    lasting: Threshold = Threshold(
        3.0, "decades above the run's lowest norms", "ten times what growth needs"
    )

    def detect(self, run: Run) -> Finding | None:
        return self._by_depth(run) or self._in_time(run)

    def _by_depth(self, run: Run) -> Finding | None:
        gains = run.starts("backward_gain")
        gains = gains[gains > 0]
        layers: tuple[str, ...] = ()
        if len(gains) > 1:
            name, decades, bound = "log10_backward_gain", np.log10(gains), self.gain
            value = float(decades.max())
        elif run.depth is not None:
            if -run.depth.consistency < self.consistency.value:
                return None
            name, bound = "log10_first_to_last", self.total
            value, layers = run.depth.total, run.depth.paths
        else:
            return None
        if value <= bound.value:
            return None
        severity: Severity = "critical" if run.is_harmed else "warning"
        severity = "info" if run.learning == "learned" else severity
        return finding(
            problem=self.problem,
            severity=severity,
            certainty=beyond(value, bound.value, 0.5) * run.harm_certainty,
            step=None,
            layers=layers,
            shown_by=[evidence(name, value, bound)],
            cause=Cause(
                kind="initialisation",
                layers=list(layers),
                text="The gradient grows from layer to layer on its way back: weights "
                "too large, or blocks that add without a norm.",
            ),
            explanation="The first layers receive a thousand times what the last do, "
            "so no learning rate suits both.",
        )

    def _in_time(self, run: Run) -> Finding | None:
        norms = run.norms
        if not norms.is_enough:
            return None
        breaks = _breaks(run)
        before = float(np.median(norms.values[: max(3, len(norms.values) // 2)]))
        tail = norms.values[-max(3, len(norms.values) // 5) :]
        rise = float(tail.max()) - before
        is_lasting = norms.growth >= self.lasting.value
        if not (is_lasting or (breaks and rise >= self.before_break.value)):
            return None
        value, bound = (
            (norms.growth, self.lasting) if is_lasting else (rise, self.before_break)
        )
        is_critical = breaks or run.is_harmed
        severity: Severity = "critical" if is_critical else "warning"
        if not is_critical and run.learning == "learned":
            severity = "info" if run.loss.fell_after(norms.growth_step) else "warning"
        return finding(
            problem=self.problem,
            severity=severity,
            certainty=beyond(value, bound.value, 0.3),
            step=norms.growth_step,
            shown_by=[evidence("decades_of_growth", value, bound)],
            cause=Cause(
                kind="learning_rate",
                text=f"From step {norms.growth_step} on the norm grows "
                f"{10.0**value:.2g} times: steps so large that each makes the next "
                "steeper.",
            ),
            explanation="The norm leaves everything this run had before and does not "
            "come back.",
        )


def _breaks(run: Run) -> bool:
    """Whether the run ends in what is not finite, or in a loss that stays up."""
    ends = [run.loss.points, run.norms.points]
    is_broken = any(len(p.values) and not p.finite[-1] for p in ends)
    return is_broken or run.learning == "diverged"
