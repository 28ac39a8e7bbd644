"""The gradient shrinks from layer to layer on its way back."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...detectors.base import VANISHED, Threshold
from ...schemas.finding import Cause, Evidence, Finding, Severity
from ..histories.depth import DepthReading
from ..histories.norms import MIN_NORMS
from .base import LogDetector, Run, beyond, evidence, finding

# Names of what leaves about so much of the gradient a layer.
_SIGMOID, _DEFAULTS = 0.3, 0.6
# Standard error of log10 of a factor that a log shows.
TOLERANCE = 0.1
# Share of the run before a late begin in which the loss may have come to a stop.
STOP_SHARE = 0.25
# A loss below this share of its start has little left to lose.
CONVERGED_SHARE = 0.1
# Of the steps from layer to layer.
MOST_STEPS = 2 / 3


@dataclass(frozen=True)
class VanishingGradient(LogDetector):
    """A factor a layer of 0.35 or less, 1e-3 over all layers, J below 1e-3, or all 0.

    The factor is 10^-s, s the median slope of log10 of the gradient's norm over depth
    (Theil 1950, Sen 1968), of the median of the first quarter of the run: what is small
    because the run converges is small in every layer alike. Where the log holds a
    backward gain J, that decides. It may begin later: when the last quarter shows it,
    ten times worse than the first did, and the loss came down no more since then. Ten
    norms of all gradients and more that are exactly 0, to the end of the run, need no
    depth.
    """

    problem: ClassVar[str] = "vanishing_gradient"
    precedence: ClassVar[int] = 2

    factor: Threshold = Threshold(
        0.35,
        "gradient norm of a layer / of the next",
        "sigmoid networks show 0.24 to 0.27; a healthy network of two layers 0.5",
    )
    total: Threshold = Threshold(
        -3.0,
        "log10 of first / last layer's norm",
        "no healthy network of 114 shows less between its first and last weights",
    )
    consistency: Threshold = Threshold(
        0.7,
        "rank correlation with depth",
        "a decay by depth orders the layers; one odd layer of six leaves 0.7",
    )
    each: Threshold = Threshold(
        0.6,
        "gradient norm of a layer / of the next",
        "a decay by depth is at work in two of three steps; norms that differ with the "
        "layers' sizes are not",
    )
    worse: Threshold = Threshold(
        1.0,
        "decades from first to last layer that the last quarter has more",
        "in convergence all layers fall together",
    )
    gain: Threshold = VANISHED
    tiny: Threshold = Threshold(
        -7.0,
        "log10 of the norm of all gradients",
        "networks whose gradient vanished start at 3e-5 to 1e-12, trainable ones above "
        "5e-3; held against it only where the loss is flat from the first step",
    )

    def detect(self, run: Run) -> Finding | None:
        return (
            self._by_gain(run)
            or self._by_depth(run)
            or self._later(run)
            or self._as_a_whole(run)
            or self._exactly_zero(run)
        )

    def _by_gain(self, run: Run) -> Finding | None:
        gains = run.starts("backward_gain")
        known = np.flatnonzero(gains > 0)
        if len(known) < 2:  # noqa: PLR2004 -- a gain is between two stations
            return None
        decades = np.log10(gains[known])
        if decades.min() >= self.gain.value:
            return None
        factor = 10.0 ** float((decades[0] - decades[-1]) / (len(known) - 1))
        return self._finding(
            run,
            severity=_severity(run, latent="info"),
            certainty=beyond(float(decades.min()), self.gain.value, 0.5),
            layers=run.paths(known[decades < self.gain.value]),
            shown_by=[evidence("log10_backward_gain", float(decades.min()), self.gain)],
            factor=factor,
        )

    def _by_depth(self, run: Run) -> Finding | None:
        depth = run.depth
        if depth is None or len(run.starts("backward_gain")):
            return None
        is_steep = self._is_steep(depth)
        if not self._vanishes(depth):
            return None
        shown_by = [
            evidence("factor_per_layer", depth.factor, self.factor),
            evidence("log10_first_to_last", depth.total, self.total),
            evidence("consistency", depth.consistency, self.consistency),
        ]
        return self._finding(
            run,
            severity=_severity(run, latent="warning" if is_steep else "info"),
            certainty=self._certainty(depth, is_steep=is_steep),
            layers=_starved(depth),
            shown_by=shown_by,
            factor=depth.factor,
        )

    def _is_steep(self, depth: DepthReading) -> bool:
        is_common = depth.share_below(self.each.value) >= MOST_STEPS
        return depth.factor <= self.factor.value and is_common

    def _vanishes(self, depth: DepthReading) -> bool:
        is_deep = depth.total <= self.total.value
        is_ordered = depth.consistency >= self.consistency.value
        return is_ordered and (is_deep or self._is_steep(depth))

    def _later(self, run: Run) -> Finding | None:
        """Well at the start, and gone at the end."""
        depth = run.depth
        if depth is None or len(run.starts("backward_gain")):
            return None
        late = depth.at_the_end
        worse = depth.total - late.total
        if not np.isfinite(late.decades).all() or worse < self.worse.value:
            return None
        if not self._vanishes(late):
            return None
        step = int(run.history.block_steps[depth.change_block])
        layers = _starved(late)
        return finding(
            problem=self.problem,
            severity=_severity_later(run, step),
            certainty=beyond(worse, self.worse.value, 0.5) * run.harm_certainty,
            step=step,
            layers=layers,
            shown_by=[
                evidence("factor_per_layer", late.factor, self.factor),
                evidence("factor_per_layer_before", depth.factor),
                evidence("decades_lost", worse, self.worse),
            ],
            cause=_cause(late.factor, layers, since=step),
            explanation="The early layers received their share of the gradient at "
            "first. Convergence would have made all norms fall together.",
        )

    def _certainty(self, depth: DepthReading, *, is_steep: bool) -> float:
        if not is_steep:
            return beyond(depth.total, self.total.value, 0.5)
        decades = math.log10(depth.factor)
        return beyond(decades, math.log10(self.factor.value), TOLERANCE)

    def _as_a_whole(self, run: Run) -> Finding | None:
        """No layers are known, but next to nothing arrives and nothing is learned."""
        norms = run.norms
        is_tiny = norms.is_enough and norms.early <= self.tiny.value
        if not is_tiny or run.learning == "learned":
            return None
        return self._finding(
            run,
            severity=_severity(run, latent="info"),
            certainty=beyond(norms.early, self.tiny.value, 1.0),
            layers=[],
            shown_by=[evidence("log10_grad_norm", norms.early, self.tiny)],
            factor=None,
        )

    def _exactly_zero(self, run: Run) -> Finding | None:
        """Nothing arrives: no noise, no rounding, not one weight that is reached."""
        points = run.norms.points
        others = np.flatnonzero((points.counts > 0) | (points.broken > 0))
        first = int(others[-1]) + 1 if len(others) else 0
        num_zeros = float(points.zeros[first:].sum())
        if num_zeros < MIN_NORMS:
            return None
        step = int(points.steps[first])
        return finding(
            problem=self.problem,
            severity=_severity(run, latent="info"),
            certainty=0.95 * run.harm_certainty,
            step=step if first else None,
            shown_by=[evidence("norms_of_zero", num_zeros, None, "in a row")],
            cause=Cause(
                kind="unknown",
                text=f"From step {step} to the end the norm of all gradients is "
                "exactly 0: nothing reaches the weights. They may be frozen, the loss "
                "cut off from them (detached, or without targets), or every unit dead.",
            ),
            explanation="Nothing can be learned from a gradient of 0. Where the loss "
            "falls all the same, what was logged is not the gradient's norm.",
        )

    def _finding(  # noqa: PLR0913 -- the parts of a finding
        self,
        run: Run,
        *,
        severity: Severity,
        certainty: float,
        layers: list[str],
        shown_by: list[Evidence],
        factor: float | None,
    ) -> Finding:
        return finding(
            problem=self.problem,
            severity=severity,
            certainty=certainty
            * (run.harm_certainty if severity != "warning" else 0.9),
            step=None,
            layers=layers,
            shown_by=shown_by,
            cause=_cause(factor, layers),
            explanation="The early layers receive next to nothing of the gradient that "
            "the last ones do, and have from the start: convergence would make all "
            "norms fall together.",
        )


def _severity(run: Run, *, latent: Severity) -> Severity:
    if run.is_harmed:
        return "critical"
    return latent if run.learning == "learned" else "warning"


def _severity_later(run: Run, step: int) -> Severity:
    """Loud where the loss came down until about that step, and not to its end."""
    if run.is_harmed:
        return "critical"
    loss, plateau = run.loss, run.loss.plateau_step
    if run.learning != "learned" or plateau is None or loss.fell_after(step):
        return "info"
    had_stopped = plateau < step - STOP_SHARE * run.history.last_step
    has_converged = abs(loss.end) < CONVERGED_SHARE * abs(loss.start)
    return "info" if had_stopped or has_converged else "warning"


def _starved(depth: DepthReading) -> list[str]:
    """The layers that get less than a tenth of what the last one gets."""
    is_starved = depth.decades < depth.decades[-1] - 1.0
    return [p for p, few in zip(depth.paths, is_starved, strict=True) if few]


def _cause(
    factor: float | None, layers: list[str], *, since: int | None = None
) -> Cause:
    if factor is None:
        return Cause(
            kind="unknown",
            text="Hardly any gradient arrives and the loss is flat from the first "
            "step; norms by layer would show where it is lost.",
        )
    lost = f"A layer leaves {factor:.2g} of the gradient"
    if since is not None:
        return Cause(
            kind="unknown",
            layers=layers,
            text=f"{lost} from about step {since} on, and left more before: units that "
            "saturate or die as the weights grow do that.",
        )
    if factor <= _SIGMOID:
        return Cause(
            kind="activation",
            layers=layers,
            text=f"{lost}: sigmoid layers do that, whose slope is at most 0.25.",
        )
    if factor <= _DEFAULTS:
        return Cause(
            kind="initialisation",
            layers=layers,
            text=f"{lost}: weights of torch's default variance do that behind ReLU "
            "(0.41) and tanh (0.56).",
        )
    return Cause(kind="depth", layers=layers, text=f"{lost}, and there are many.")
