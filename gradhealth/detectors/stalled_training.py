"""The loss does not come down although nothing else is wrong."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..causes import of_large_outputs
from ..schemas.finding import Cause, Finding
from ..schemas.training import Training
from ..statistics import Statistics, estimate
from .base import Case, Detector, Threshold, evidence


@dataclass(frozen=True)
class StalledTraining(Detector):
    """Progress below 0.5 with healthy gradients: look at rate, clipping, data."""

    problem: ClassVar[str] = "stalled_training"
    precedence: ClassVar[int] = 9
    is_last_resort: ClassVar[bool] = True

    change: Threshold = Threshold(
        0.02,
        "sum of update / weight over the run",
        "healthy medians sum to 0.05 and more; rates a thousand times too low to 0.004",
    )
    relation: Threshold = Threshold(
        0.1,
        "progress of nearest neighbours",
        "512 random targets give 0 within 0.05 (Cover & Hart 1967)",
    )
    cut: Threshold = Threshold(
        10.0, "gradient norm / limit", "clipping is for rare spikes, not for every step"
    )
    adaptive: Threshold = Threshold(
        1e-2,
        "update / weight / learning rate",
        "Adam's step is lr * |g| / (|g| + eps): a hundredth of it is |g| = 1e-10",
    )
    unchanged: Threshold = Threshold(
        0.5, "weights an update leaves as they are", "rounding loses the update"
    )

    def detect(self, case: Case) -> Finding | None:
        if not case.is_harmed:
            return None
        updates = estimate(
            np.log10(np.fmax(_median_updates(case.statistics), 1e-30)), 0.3
        )
        return Finding(
            problem=self.problem,
            severity="critical",
            confidence=round(case.harm_certainty, 3),
            layers=[],
            evidence=[
                evidence("log10_update_ratio", updates, None),
                case.harm_evidence,
            ],
            cause=self._cause(case, 10**updates.mean),
            explanation="The loss stays near that of the best constant predictor.",
        )

    def _cause(self, case: Case, update: float) -> Cause:
        if case.network is None:
            return Cause(kind="unknown", text="The loss does not come down.")
        training = case.network.spec.training
        unchanged = case.statistics.middle("unchanged_fraction")
        if np.nanmean(np.append(unchanged, 0.0)) > self.unchanged.value:
            return Cause(
                kind="precision",
                text=f"{training.precision} rounds most updates away: they are smaller "
                "than the last digit of the weights.",
            )
        if update * case.statistics.num_steps < self.change.value:
            return self._of_small_updates(case, training, update)
        if outputs := of_large_outputs(case.statistics):
            return outputs
        relation = case.statistics.context.neighbour_progress
        if relation is not None and relation < self.relation.value:
            return Cause(
                kind="labels",
                text="The weights move, but the loss stays, and nearest neighbours "
                f"predict no better than a constant either (progress {relation:.2f}): "
                "the targets look unrelated to the inputs.",
            )
        return Cause(
            kind="unknown",
            text="The gradients arrive and the weights move, but the loss stays: look "
            "at the labels, the learning rate and the number of steps.",
        )

    def _of_small_updates(self, case: Case, training: Training, update: float) -> Cause:
        clip = training.clip_grad_norm or training.clip_grad_value
        norms = case.statistics.grad_norms
        norm = float(np.median(norms)) if len(norms) else 0.0
        if clip is not None and norm > clip * self.cut.value:
            return Cause(
                kind="clipping",
                text=f"Clipping at {clip:g} cuts gradients of norm {norm:.2g}, and so "
                "every update, to next to nothing.",
            )
        optimizer = training.optimizer
        if optimizer.type != "SGD" and update < self.adaptive.value * optimizer.lr:
            return Cause(
                kind="initialisation",
                text=f"{optimizer.type} makes a step of about its rate whatever the "
                f"gradient's size, yet an update is {update:.1g} of the weights: next "
                "to no gradient arrives, as where units are off for almost all inputs.",
            )
        return Cause(
            kind="learning_rate",
            text=f"An update is {update:.1g} of the weights: in all its steps the "
            f"training hardly moves them. The learning rate {training.optimizer.lr:g} "
            "is too low.",
        )


def _median_updates(statistics: Statistics) -> np.ndarray:
    """[S] median over layers of the update ratio in mid-training."""
    ratios = np.concatenate(
        [statistics.middle("update_ratio"), statistics.at_start("update_ratio")], axis=1
    )
    return np.array(
        [
            np.median(row[~np.isnan(row)]) if not np.isnan(row).all() else 0.0
            for row in ratios
        ]
    )
