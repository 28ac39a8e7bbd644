"""The loss does not come down although nothing else is wrong."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..schemas.finding import Cause, Finding
from ..statistics import Statistics, estimate
from .base import Case, Detector, Threshold, evidence


@dataclass(frozen=True)
class StalledTraining(Detector):
    """Progress below 0.5 with healthy gradients: look at rate, clipping, data."""

    problem: ClassVar[str] = "stalled_training"
    precedence: ClassVar[int] = 9
    is_last_resort: ClassVar[bool] = True

    tiny_update: Threshold = Threshold(
        1e-5, "update / weight", "healthy medians lie between 2e-5 and 2e-2"
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
        if update < self.tiny_update.value:
            clip = training.clip_grad_norm or training.clip_grad_value
            if clip is not None and clip < 1e-2:  # noqa: PLR2004 -- far below any healthy norm
                return Cause(
                    kind="clipping",
                    text=f"Clipping at {clip:g} cuts every update to next to nothing.",
                )
            return Cause(
                kind="learning_rate",
                text=f"The updates are {update:.1g} of the weights: the learning rate "
                f"{training.optimizer.lr:g} is too low.",
            )
        return Cause(
            kind="unknown",
            text="The gradients arrive and the weights move, but the loss stays: look "
            "at the labels, the learning rate and the number of steps.",
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
