"""Norms that climb while the loss stands still."""

from dataclasses import dataclass
from typing import ClassVar

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding, Severity
from .base import LogDetector, Run, beyond, evidence, finding
from .exploding_gradient import ExplodingGradient


@dataclass(frozen=True)
class GradientGrowth(LogDetector):
    """Ten times the run's lowest norms at the end, and no lower loss to show for it.

    Growth is from the lowest part of the smoothed log10 of the norm after the start-up
    to its end, and four times the noise. In a run that learns its data by heart norms
    grow too, and the loss falls: that is latent.
    """

    problem: ClassVar[str] = "gradient_growth"
    precedence: ClassVar[int] = 5

    growth: Threshold = Threshold(
        1.0,
        "decades from the lowest norm to the end",
        "healthy pre-trainings grow by 0.2 to 0.6 while the loss falls; one whose rate "
        "was 20 times too high by 1.8",
    )
    deviations: Threshold = Threshold(
        4.0, "standard deviations of the run's own noise", "1 in 30,000 by chance"
    )

    def detect(self, run: Run) -> Finding | None:
        norms = run.norms
        if not norms.is_enough or norms.growth < self.growth.value:
            return None
        is_noise = norms.growth < self.deviations.value * norms.noise
        if is_noise or norms.growth >= ExplodingGradient.lasting.value:
            return None
        step = norms.growth_step
        return finding(
            problem=self.problem,
            severity=self._severity(run, step),
            certainty=beyond(norms.growth, self.growth.value, 0.2),
            step=step,
            shown_by=[
                evidence("decades_of_growth", norms.growth, self.growth),
                evidence("loss_end", run.loss.end, None, "loss")
                if run.loss.is_enough
                else evidence("grad_norm_end", 10.0**norms.end, None, "norm"),
            ],
            cause=Cause(
                kind="learning_rate",
                text=f"From step {step} on the norm climbs {10.0**norms.growth:.2g} "
                f"times, to {10.0**norms.end:.3g}: the steps are too large for where "
                "the weights have come.",
            ),
            explanation="Gradients that grow without a falling loss push the weights "
            "to where the loss is steep, not to where it is low.",
        )

    def _severity(self, run: Run, step: int) -> Severity:
        fell = run.loss.fell_after(step)
        if fell:
            return "info"
        if fell is None:
            # Twice the decades before an alarm that no loss supports.
            is_large = run.norms.growth >= 2 * self.growth.value
            return "warning" if is_large else "info"
        return "warning"
