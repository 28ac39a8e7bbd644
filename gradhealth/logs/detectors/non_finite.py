"""NaN or an infinity: the end of a run, or a step that was skipped."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding, Severity
from ..histories.points import Points
from .base import LogDetector, Run, evidence, finding

# A loss that was above this is not 0 by having been learned.
LEARNED_BY_HEART = 0.1
# Logged points at the end, all broken, after which a run is dead.
MIN_DEAD = 3


@dataclass(frozen=True)
class NonFinite(LogDetector):
    """What is not finite at the end, or in more than a few steps.

    Mixed precision skips a step whose scaled gradient overflows and lowers its scale:
    now and then that is how it works (Micikevicius 2018), and the loss shows nothing. A
    run whose weights are NaN has a loss that is NaN, or exactly 0 where the logger
    leaves NaN out.
    """

    problem: ClassVar[str] = "non_finite"
    precedence: ClassVar[int] = 3

    skipped: Threshold = Threshold(
        0.05,
        "share of steps that are not finite",
        "a scaler that doubles each 2,000 steps skips 0.05 % of them, and some at the "
        "start",
    )

    def detect(self, run: Run) -> Finding | None:
        loss, norms = run.loss.points, run.norms.points
        layers = _layers(run)
        is_dead = _ends_broken(loss) or _ends_broken(norms) or _is_zeroed(run)
        num_broken = float(loss.broken.sum() + norms.broken.sum())
        if not (num_broken or layers or is_dead):
            return None
        step = _first_step(run, layers)
        share = _share(loss, norms)
        severity = self._severity(run, is_dead=is_dead, share=share)
        return finding(
            problem=self.problem,
            severity=severity,
            certainty=0.98 if is_dead else 0.9,
            step=step,
            layers=run.paths(layers),
            shown_by=[
                evidence("share_not_finite", share, self.skipped),
                evidence("first_step", float(step), None, "step"),
            ],
            cause=self._cause(run, is_dead=is_dead),
            explanation=_explanation(run, is_dead=is_dead),
        )

    def _severity(self, run: Run, *, is_dead: bool, share: float) -> Severity:
        if is_dead:
            return "critical"
        is_rare = share <= self.skipped.value and not run.loss.points.broken.any()
        return "info" if is_rare and not run.is_harmed else "warning"

    def _cause(self, run: Run, *, is_dead: bool) -> Cause:
        if not is_dead and not run.loss.points.broken.any():
            return Cause(
                kind="precision",
                text="Single gradients overflow and the loss goes on as before: steps "
                "that mixed precision skips while it lowers its loss scale.",
            )
        return Cause(
            kind="unknown",
            text="Something became NaN or infinite and stayed so: a logarithm or a "
            "division by 0, a step too large, or NaN in the data."
            if is_dead
            else "The loss was NaN or infinite now and then and recovered: look at "
            "single batches, and at logarithms and divisions in the loss.",
        )


def _explanation(run: Run, *, is_dead: bool) -> str:
    if _is_zeroed(run):
        return (
            "The loss falls from above to exactly 0 and stays: no network does that; a "
            "logger that leaves NaN out of its averages does."
        )
    if is_dead:
        return "From here on every weight is NaN; nothing after it was learned."
    return "The run goes on afterwards."


def _ends_broken(points: Points) -> bool:
    """Whether nothing finite comes any more."""
    if not len(points.values):
        return False
    last = np.flatnonzero(points.finite | (points.zeros > 0))
    after = points.broken[int(last[-1]) + 1 :] if len(last) else points.broken
    return float(after.sum()) >= min(MIN_DEAD, len(points.values))


def _is_zeroed(run: Run) -> bool:
    """Whether the loss jumps to exactly 0 without having come near it."""
    loss = run.loss
    if not loss.is_frozen or loss.end != 0:
        return False
    nonzero = loss.values[loss.values != 0]
    return len(nonzero) > 0 and float(abs(nonzero[-1])) > LEARNED_BY_HEART


def _layers(run: Run) -> list[int]:
    """Columns of layers whose gradient or weight was not finite."""
    names = ("grad_norm", "weight_norm")
    tables = [t for name in names if (t := run.history.layer_table(name)) is not None]
    return sorted({int(c) for t in tables for c in np.flatnonzero(t.first_broken >= 0)})


def _first_step(run: Run, layers: list[int]) -> int:
    steps = [
        int(points.steps[np.flatnonzero(points.broken)[0]])
        for points in (run.loss.points, run.norms.points)
        if points.broken.any()
    ]
    for name in ("grad_norm", "weight_norm"):
        table = run.history.layer_table(name)
        if layers and table is not None and (table.first_broken >= 0).any():
            first = int(table.first_broken[table.first_broken >= 0].min())
            steps.append(run.history.step_of_row(first))
    if not steps:
        loss = run.loss
        steps.append(int(loss.points.steps[np.flatnonzero(loss.values)[-1] + 1]))
    return min(steps)


def _share(*series: Points) -> float:
    """The largest share of any series that is not finite."""
    shares = [
        float(p.broken.sum() / (p.counts + p.broken + p.zeros).sum())
        for p in series
        if len(p.values)
    ]
    return max(shares, default=0.0)
