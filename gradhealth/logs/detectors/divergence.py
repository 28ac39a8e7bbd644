"""The loss rises and stays up."""

from dataclasses import dataclass
from typing import ClassVar

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding
from .base import LogDetector, Run, evidence, finding


@dataclass(frozen=True)
class Divergence(LogDetector):
    """The end has lost a quarter or more of what the best loss had gained.

    lost = (end - best) / (start - best) of the smoothed loss, where the rise is six
    times the noise of a point and no up and down that the run had before. A spike that
    passes moves neither end nor best.
    """

    problem: ClassVar[str] = "divergence"
    precedence: ClassVar[int] = 4

    lost: Threshold = Threshold(
        0.25, "share of what was gained", "later epochs and restarts cost 0.1 or less"
    )
    undone: Threshold = Threshold(
        0.5, "share of what was gained", "half of the training was for nothing"
    )
    restart: Threshold = Threshold(
        3.0,
        "learning rate at the end / at the best loss",
        "warm restarts raise the rate tenfold and the loss with it, to fall again "
        "(Loshchilov & Hutter 2017)",
    )

    def detect(self, run: Run) -> Finding | None:
        loss = run.loss
        if not loss.diverged or loss.lost < self.lost.value:
            return None
        is_restart = self._is_restart(run)
        is_undone = loss.lost >= self.undone.value
        return finding(
            problem=self.problem,
            severity="info" if is_restart else "critical" if is_undone else "warning",
            certainty=0.5 if is_restart else 0.95,
            step=loss.rise_step,
            shown_by=[
                evidence("lost_again", loss.lost, self.lost),
                evidence("loss_best", loss.best, None, "loss"),
                evidence("loss_end", loss.end, None, "loss"),
            ],
            cause=Cause(
                kind="learning_rate",
                text=f"The loss rises from {loss.best:.3g} at step {loss.rise_step} to "
                f"{loss.end:.3g} and stays there"
                + (
                    ", after the learning rate was raised again."
                    if is_restart
                    else ": most often a step too large, at a learning rate that the "
                    "run outgrew."
                ),
            ),
            explanation="What had been learned is lost again.",
        )

    def _is_restart(self, run: Run) -> bool:
        rates = run.history.points("lr").only_finite()
        if not len(rates.values):
            return False
        at_best = rates.values[max(0, (rates.steps <= run.loss.best_step).sum() - 1)]
        return bool(rates.values[-1] > self.restart.value * max(at_best, 0.0) > 0)
