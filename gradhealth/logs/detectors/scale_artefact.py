"""Norms that are far from the loss in size, but steady: a factor, not a problem."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding
from .base import LogDetector, Run, beyond, evidence, finding


@dataclass(frozen=True)
class ScaleArtefact(LogDetector):
    """1e3 times the loss, or 1e-6 of it, steady over the run while the loss falls.

    A loss scale that was not taken out (2^16 = 65,536), a loss summed and not averaged,
    or one divided by the number of accumulated batches twice: every norm has the
    factor, and no rule for growth sees it.
    """

    problem: ClassVar[str] = "scale_artefact"
    precedence: ClassVar[int] = 9

    large: Threshold = Threshold(
        3.0, "log10 of norm / loss", "healthy runs have 1e-3 to 1e2"
    )
    small: Threshold = Threshold(
        -6.0, "log10 of norm / loss", "as far on the other side, and a run that learns"
    )
    steady: Threshold = Threshold(
        0.5, "decades of scatter after the start-up", "explosions move by decades"
    )

    def detect(self, run: Run) -> Finding | None:
        norms, loss = run.norms, run.loss
        is_judged = norms.is_enough and loss.is_enough and loss.fell
        if not is_judged or run.is_harmed or norms.scatter > self.steady.value:
            return None
        ratio = norms.level - math.log10(max(abs(loss.start), 1e-12))
        if not (ratio >= self.large.value or ratio <= self.small.value):
            return None
        bound = self.large if ratio > 0 else self.small
        return finding(
            problem=self.problem,
            severity="info",
            certainty=beyond(ratio, bound.value, 0.5),
            step=None,
            shown_by=[
                evidence("log10_norm_to_loss", ratio, bound),
                evidence("decades_of_scatter", norms.scatter, self.steady),
            ],
            cause=Cause(kind="precision" if ratio > 0 else "loss", text=_text(run)),
            explanation="The loss falls and the norms keep their size: a constant "
            "factor, which limits on the norm and thresholds would take for real.",
        )


def _text(run: Run) -> str:
    size = f"Norms of about {10.0**run.norms.level:.2g} beside a loss of "
    size += f"{run.loss.start:.3g}"
    if run.norms.level > 0:
        return (
            f"{size}: gradients still multiplied by the loss scale of mixed precision, "
            "or a loss that is summed over the batch."
        )
    return f"{size}: a loss that is divided once too often."
