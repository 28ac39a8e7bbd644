"""A limit on the norm that cuts every step."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding, Severity
from .base import LogDetector, Run, beyond, evidence, finding


@dataclass(frozen=True)
class ClippingAlwaysOn(LogDetector):
    """95 % of the steps are cut: the limit sets the length of every step.

    The share is that of a logged flag, of norms above the limit where they were taken
    before clipping, or of norms at the limit where after it. Cutting ten times and more
    divides the learning rate by as much, whatever the schedule says.
    """

    problem: ClassVar[str] = "clipping_always_on"
    precedence: ClassVar[int] = 8

    share: Threshold = Threshold(
        0.95, "share of the steps", "limits are for rare spikes; warm-ups reach 0.3"
    )
    cut: Threshold = Threshold(
        10.0, "norm / limit", "the effective rate is a tenth and less of what was set"
    )

    def detect(self, run: Run) -> Finding | None:
        share = self._share(run)
        if share is None or share < self.share.value:
            return None
        limit = run.history.context.clip_max_norm
        cut = _cut(run)
        shown_by = [evidence("share_of_steps", share, self.share)]
        if cut is not None:
            shown_by.append(evidence("norm_to_limit", cut, self.cut))
        by = "" if cut is None else f", on average to 1/{cut:.3g} of its length"
        at = "" if limit is None else f" of {limit:g}"
        return finding(
            problem=self.problem,
            severity=self._severity(run, cut),
            certainty=beyond(share, self.share.value, 0.02),
            step=None,
            shown_by=shown_by,
            cause=Cause(
                kind="clipping",
                text=f"The limit{at} cuts {share:.0%} of the steps{by}.",
            ),
            explanation="Every step has the same length, so the limit and not the "
            "gradient says how far it goes: lower the rate, or raise the limit.",
        )

    def _severity(self, run: Run, cut: float | None) -> Severity:
        if run.is_harmed:
            return "warning"
        return "warning" if cut is not None and cut >= self.cut.value else "info"

    def _share(self, run: Run) -> float | None:
        """Of the steps, how many were cut; null where the log cannot tell."""
        flags = run.history.points("clipped").only_finite()
        if flags.num_values:
            return float(np.average(flags.values, weights=flags.counts))
        norms, context = run.norms, run.history.context
        if not norms.is_enough:
            return None
        if context.clip_max_norm is None:
            # Before clipping they lie wherever they like.
            return None if context.clip_measured == "pre" else _share_at_top(run)
        limit = math.log10(context.clip_max_norm)
        if context.clip_measured == "post":
            return _share_near(run, limit)
        if context.clip_measured is None and norms.peak <= limit + _NEAR:
            return _share_near(run, limit)
        return float(np.mean(norms.values > limit))


# Norms within 1 % are the limit, rounded.
_NEAR = math.log10(1.01)


def _share_near(run: Run, limit: float) -> float:
    return float(np.mean(np.abs(run.norms.values - limit) < _NEAR))


def _share_at_top(run: Run) -> float | None:
    """Norms after clipping by a limit that is not told lie all at the same top."""
    if run.norms.scatter > _NEAR:
        return None
    return _share_near(run, run.norms.peak)


def _cut(run: Run) -> float | None:
    """How many times the typical norm is the limit; null where one is unknown."""
    context = run.history.context
    if context.clip_max_norm is None or not run.norms.is_enough:
        return None
    if context.clip_measured == "post" or run.norms.level <= math.log10(
        context.clip_max_norm
    ):
        return None
    return float(10.0**run.norms.level / context.clip_max_norm)
