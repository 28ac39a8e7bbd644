"""Single steps whose gradient is far above those around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding, Severity
from ..histories.norms import Spike
from .base import LogDetector, Run, evidence, finding


@dataclass(frozen=True)
class GradientSpikes(LogDetector):
    """Ten times the norms around, and six standard deviations of their noise.

    Noise and surroundings are the run's own (median absolute deviation of log10 of the
    norm around its running median); the start-up does not count. What passes without a
    mark on the loss is information; many of them in a run that does not learn are not.
    """

    problem: ClassVar[str] = "gradient_spikes"
    precedence: ClassVar[int] = 7

    height: Threshold = Threshold(
        1.0, "decades above the norms around", "a factor of 10 shows on any plot"
    )
    deviations: Threshold = Threshold(
        6.0,
        "standard deviations of the run's own noise",
        "2e-9 for normal noise; heavy tails have wide noise",
    )
    share: Threshold = Threshold(
        0.02, "share of the logged steps", "rare ones are single batches"
    )

    def detect(self, run: Run) -> Finding | None:
        norms = run.norms
        if not norms.is_enough:
            return None
        spikes = norms.spikes(self.height.value, self.deviations.value)
        if not spikes:
            return None
        largest = max(spikes, key=lambda spike: spike.decades)
        share = len(spikes) / len(norms.values)
        return finding(
            problem=self.problem,
            severity=self._severity(run, share),
            certainty=0.95,
            step=spikes[0].step,
            shown_by=[
                evidence("share_of_steps", share, self.share),
                evidence("largest_decades", largest.decades, self.height),
                evidence("largest_deviations", largest.deviations, self.deviations),
            ],
            cause=Cause(
                kind="data" if len(spikes) < 3 else "unknown",  # noqa: PLR2004 -- single
                text=_text(spikes, largest),
            ),
            explanation="Single batches, or steps into steep places; a limit on the "
            "norm takes them away and costs nothing elsewhere.",
        )

    def _severity(self, run: Run, share: float) -> Severity:
        is_harmed = run.is_harmed or (run.learning == "unknown" and run.loss.is_enough)
        return "warning" if is_harmed and share >= self.share.value else "info"


def _text(spikes: Sequence[Spike], largest: Spike) -> str:
    times = f"{10.0**largest.decades:.2g} times the norms around it"
    if len(spikes) == 1:
        return f"The norm jumps to {times} at step {largest.step} and comes back."
    return (
        f"The norm jumps {len(spikes)} times, at step {largest.step} to {times}, and "
        "comes back."
    )
