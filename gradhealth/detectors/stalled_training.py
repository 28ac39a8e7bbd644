"""The loss does not come down although nothing else is wrong."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..architecture.network import Network
from ..causes import (
    NEAR_ONE,
    has_layer,
    has_norm,
    of_decoupled_decay,
    of_large_outputs,
    of_large_targets,
    of_squashed_scores,
)
from ..layers.block import Highway, Residual
from ..schemas.finding import Cause, Evidence, Finding
from ..schemas.training import SGD, Training
from ..statistics import Statistics, estimate
from .base import Case, Detector, Threshold, evidence

# Progress that one may call none.
SLIGHT_PROGRESS = 0.05


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
    fall: Threshold = Threshold(
        0.03, "of the way from trivial loss to floor", "the plateau of the signs"
    )
    calm: Threshold = Threshold(
        0.01, "update / weight", "larger steps make the loss jump, not fall"
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
    usual_eps: Threshold = Threshold(
        1e-8, "RMS of a gradient's elements", "the eps of Kingma & Ba 2015"
    )
    chain: Threshold = Threshold(
        10.0, "layers", "over fewer, one layer matters more than their number"
    )
    reach: Threshold = Threshold(
        -1.0,
        "log10 J at the end",
        "plain chains of 10 to 60 layers that learn keep 0.2",
    )

    def detect(self, case: Case) -> Finding | None:
        if not case.is_harmed:
            return None
        updates = estimate(
            np.log10(np.fmax(_median_updates(case.statistics), 1e-30)), 0.3
        )
        cause = self._cause(case, 10**updates.mean)
        return Finding(
            problem=self.problem,
            severity=case.harm_severity,
            confidence=round(case.harm_certainty, 3),
            layers=[],
            evidence=[
                evidence("log10_update_ratio", updates, None),
                *(self._gains(case) if cause.kind == "depth" else []),
                case.harm_evidence,
            ],
            cause=cause,
            explanation=f"{_outcome(case).capitalize()}, beyond what the best "
            "constant predictor gets.",
        )

    def _cause(self, case: Case, update: float) -> Cause:
        """The first reason that holds; `update` is the median of update / weight."""
        if case.network is None:
            return Cause(kind="unknown", text="The loss does not come down.")
        training = case.network.spec.training
        return (
            self._of_rounding(case, training)
            or of_squashed_scores(case.network)
            or self._of_small_updates(case, training, update)
            or of_large_outputs(case.statistics)
            or of_decoupled_decay(case.statistics, training)
            or of_large_targets(case.statistics, case.network)
            or self._of_slow_fall(case, training, update)
            or _of_short_memory(case.statistics)
            or self._of_targets(case)
            or self._of_depth(case, case.network)
            or Cause(
                kind="unknown",
                text="The gradients arrive and the weights move, but "
                f"{_outcome(case)}: look at the labels, the learning rate and the "
                "number of steps.",
            )
        )

    def _of_rounding(self, case: Case, training: Training) -> Cause | None:
        shares = case.statistics.at_end("unchanged_fraction")
        known = shares[~np.isnan(shares)]
        if not len(known) or np.mean(known) <= self.unchanged.value:
            return None
        if not case.statistics.grad_norms.any():
            return Cause(
                kind="precision",
                text=f"{training.precision} rounds all gradients to 0: they are "
                "smaller than its smallest number.",
            )
        return Cause(
            kind="precision",
            text=f"{training.precision} rounds most updates away: they are smaller "
            "than the last digit of the weights.",
        )

    def _of_small_updates(
        self, case: Case, training: Training, update: float
    ) -> Cause | None:
        if update * case.statistics.num_steps >= self.change.value:
            return None
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
        share = self.adaptive.value * optimizer.lr
        if not isinstance(optimizer, SGD) and update < share:
            assert case.network is not None
            rms = norm / math.sqrt(case.network.num_parameters)
            if optimizer.eps > self.usual_eps.value < rms:
                return Cause(
                    kind="optimizer",
                    text=f"{optimizer.type} divides a gradient of RMS {rms:.1g} by an "
                    f"eps of {optimizer.eps:g} that is far larger, so that an update "
                    f"is {update:.1g} of the weights.",
                )
            return Cause(
                kind="initialisation",
                text=f"{optimizer.type} makes a step of about its rate whatever the "
                f"gradient's size, yet an update is {update:.1g} of the weights: next "
                "to no gradient arrives, as where units are off for almost all inputs.",
            )
        return Cause(
            kind="learning_rate",
            text=f"An update is {update:.1g} of the weights: in all its steps the "
            f"training hardly moves them. The learning rate {optimizer.lr:g} is too "
            "low.",
        )

    def _of_slow_fall(
        self, case: Case, training: Training, update: float
    ) -> Cause | None:
        fall = _last_fall(case.statistics)
        if fall <= self.fall.value or update >= self.calm.value:
            return None
        text = (
            f"The loss still falls, by {fall:.0%} of the whole way in the last "
            f"quarter: the learning rate {training.optimizer.lr:g} is too low for "
            f"{case.statistics.num_steps} steps, or the steps are too few."
        )
        if self._is_unrelated(case):
            text += (
                " Nearest neighbours predict no better than a constant: where the "
                "targets have nothing to do with the inputs, samples are only learned "
                "by heart."
            )
        return Cause(kind="learning_rate", text=text)

    def _of_targets(self, case: Case) -> Cause | None:
        if not self._is_unrelated(case):
            return None
        relation = case.statistics.context.neighbour_progress
        return Cause(
            kind="labels",
            text=f"The weights move, but {_outcome(case)}, and nearest neighbours "
            f"predict no better than a constant either (progress {relation:.2f}): "
            "the targets look unrelated to the inputs.",
        )

    def _of_depth(self, case: Case, network: Network) -> Cause | None:
        """Layers near their best, but too many for what passes through all of them."""
        start, end = case.smallest_gain.mean, case.smallest_gain_at_end.mean
        num_factors = len(case.statistics.stations) - 1
        is_plain = not (has_layer(network, (Residual, Highway)) or has_norm(network))
        if not is_plain or num_factors < self.chain.value:
            return None
        factor = 10 ** (start / num_factors)
        if not (factor >= NEAR_ONE and end < self.reach.value):
            return None  # also where either is no number
        return Cause(
            kind="depth",
            layers=[layer.path for layer in case.statistics.stations],
            text=f"Each layer passes on {factor:.3g} of the gradient, near the best "
            f"there is, but it has to pass {num_factors} of them, without skips or "
            f"normalisation: of what enters the last, as little as {10**start:.2g} "
            f"arrives at the start, and {10**end:.2g} in the end.",
        )

    def _gains(self, case: Case) -> list[Evidence]:
        return [
            evidence("log10_backward_gain", case.smallest_gain, None),
            evidence(
                "log10_backward_gain_at_end", case.smallest_gain_at_end, self.reach
            ),
        ]

    def _is_unrelated(self, case: Case) -> bool:
        relation = case.statistics.context.neighbour_progress
        return relation is not None and relation < self.relation.value


def _of_short_memory(statistics: Statistics) -> Cause | None:
    horizon, lag = statistics.memory_horizon, statistics.context.lag
    if horizon is None or lag is None or horizon >= lag:
        return None
    return Cause(
        kind="recurrence",
        layers=statistics.recurrent_paths,
        text=f"1 % of the gradient is left after {horizon:.0f} steps back in time, and "
        f"the task needs {lag}: what lies so far back is learned last.",
    )


def _outcome(case: Case) -> str:
    progress = case.progress.mean
    if progress < SLIGHT_PROGRESS:
        return "the loss stays"
    return f"the loss comes down by only {progress:.0%} of what can be learned"


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


def _last_fall(statistics: Statistics) -> float:
    """The least fall of the loss, over seeds, from the third quarter to the last."""
    falls = []
    for trace in statistics.traces:
        trivial, floor = trace.context.trivial_loss, trace.context.loss_floor or 0.0
        losses = trace.series["loss"].compressed()
        quarter = len(losses) // 4
        if trivial is None or trivial <= floor or not quarter:
            return 0.0
        third, last = losses[-2 * quarter : -quarter], losses[-quarter:]
        falls.append(float(np.mean(third) - np.mean(last)) / (trivial - floor))
    return min(falls, default=0.0)
