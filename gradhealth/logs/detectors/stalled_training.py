"""The loss does not come down, or not any more."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Evidence, Finding, Severity
from .base import LogDetector, Run, beyond, evidence, finding

# What a flat loss alone says.
UNDECIDED = 0.4
# What a loss says that came down to chance from far above it.
UNSURE = 0.7
# log10 of an update that is 0.
_NOTHING = -300.0


@dataclass(frozen=True)
class StalledTraining(LogDetector):
    """At the loss of a constant predictor, frozen, or flat while norms climb.

    A flat loss alone is no evidence: a converged run has one. At chance it is when it
    lies at the given trivial loss, or flat, all but free of noise and at log K of K
    classes, for then all predictions are alike. A loss that came down by a tenth and
    more has learned something, unless it did so at once and to log K exactly: then a
    bad start was undone, and it is a warning. Frozen: not one bit changes. Else it is
    the norms that tell a stall from convergence: they grow tenfold during one.
    """

    problem: ClassVar[str] = "stalled_training"
    precedence: ClassVar[int] = 6

    growth: Threshold = Threshold(
        1.0, "decades of the norm while the loss is flat", "they fall in convergence"
    )
    flat: Threshold = Threshold(
        0.5, "share of the run after the loss ceased to fall", "shorter ones are ends"
    )
    update: Threshold = Threshold(
        1e-6,
        "update / weight, largest layer's median",
        "healthy first layers have 2e-5 to 2e-2",
    )

    def detect(self, run: Run) -> Finding | None:
        if not run.loss.is_enough or run.learning == "diverged":
            return None
        return (
            self._at_chance(run)
            or self._frozen(run)
            or self._flat(run)
            or self._undecided(run)
        )

    def _at_chance(self, run: Run) -> Finding | None:
        loss = run.loss
        if loss.chance is None:
            return None
        is_given = run.history.context.trivial_loss is not None
        source = "as given" if is_given else f"log {np.exp(loss.chance):.0f}"
        # It may as well have learned a little of more classes.
        is_unsure = loss.fell_clearly and not is_given
        began = f", after a start at {loss.start:.4g}" if is_unsure else ""
        return self._finding(
            run,
            severity="warning" if is_unsure else "critical",
            certainty=0.95 if is_given else UNSURE if is_unsure else 0.85,
            step=None,
            shown_by=[
                evidence("loss_end", loss.end, None, "loss"),
                evidence("loss_at_chance", loss.chance, None, f"loss, {source}"),
            ],
            text=f"The loss stays at {loss.end:.4g}, what a constant prediction costs "
            f"({loss.chance:.4g}, {source}){began}.",
        )

    def _frozen(self, run: Run) -> Finding | None:
        loss = run.loss
        # A loss of 0 is learned by heart, or a NaN left out: that is told elsewhere.
        if not loss.is_frozen or loss.end == 0:
            return None
        return self._finding(
            run,
            severity="critical",
            certainty=0.9,
            step=int(loss.points.steps[-min(loss.num_frozen, len(loss.points.steps))]),
            shown_by=[
                evidence("equal_losses", float(loss.num_frozen), None, "in a row")
            ],
            text=f"The last {loss.num_frozen} losses are all {loss.end:.6g}: the "
            "weights do not change any more.",
        )

    def _flat(self, run: Run) -> Finding | None:
        norms, loss = run.norms, run.loss
        step = loss.plateau_step
        if step is None or loss.is_game or not norms.is_enough:
            return None
        steps = run.history.last_step - loss.points.steps[0]
        share = (run.history.last_step - step) / max(1, steps)
        climbs = norms.growth >= self.growth.value and norms.growth > 4 * norms.noise
        if share < self.flat.value or not climbs or norms.growth_step < step * 0.5:
            return None
        if loss.fell_after(norms.growth_step):
            return None
        return self._finding(
            run,
            severity="warning",
            certainty=beyond(norms.growth, self.growth.value, 0.3) * 0.9,
            step=step,
            shown_by=[
                evidence("flat_share", float(share), self.flat),
                evidence("decades_of_growth", norms.growth, self.growth),
            ],
            text=f"The loss stays at {loss.end:.4g} from step {step} on while the norm "
            f"of the gradients climbs {10.0**norms.growth:.2g} times.",
        )

    def _undecided(self, run: Run) -> Finding | None:
        """Flat from the first step to the last: a stall, or nothing left to learn."""
        loss = run.loss
        if loss.fell or loss.is_game or not loss.is_flat:
            return None
        return self._finding(
            run,
            severity="info",
            certainty=UNDECIDED,
            step=None,
            shown_by=[
                evidence("loss_start", loss.start, None, "loss"),
                evidence("loss_end", loss.end, None, "loss"),
            ],
            text=f"The loss is about {loss.level:.4g} from the first logged step "
            "to the last: it is stuck, or had converged before.",
        )

    def _finding(  # noqa: PLR0913 -- the parts of a finding
        self,
        run: Run,
        *,
        severity: Severity,
        certainty: float,
        step: int | None,
        shown_by: list[Evidence],
        text: str,
    ) -> Finding:
        still = self._standing_still(run)
        kind = "learning_rate" if still or step is not None else "unknown"
        if still is not None:
            shown_by = [*shown_by, evidence("update_ratio", still, self.update)]
            text += f" An update is {still:.1g} of the weights: the rate is too low."
        return finding(
            problem=self.problem,
            severity=severity,
            certainty=certainty,
            step=step,
            shown_by=shown_by,
            cause=Cause(kind=kind, text=text),
            explanation="Nothing more is learned."
            if severity == "info"
            else "Nothing more is learned, and convergence does not look so.",
        )

    def _standing_still(self, run: Run) -> float | None:
        """The largest layer's update / weight where even that moves nothing."""
        table = run.history.layer_table("update_ratio")
        if table is None or not table.blocks.count.any():
            return None
        blocks = table.blocks
        known = blocks.count > 0
        largest = blocks.mean.max(axis=1, where=known, initial=_NOTHING)
        # Recorders measure it on some steps only.
        measured = (known | (blocks.zeros > 0)).any(axis=1)
        ratio = float(10.0 ** np.median(largest[measured]))
        return ratio if ratio < self.update.value else None
