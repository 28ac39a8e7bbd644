"""Activations that sit on their flat parts."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..causes import LARGE_INPUT
from ..schemas.finding import Cause, Finding
from ..statistics import estimate
from .base import Case, Detector, Threshold, evidence, structural_finding


@dataclass(frozen=True)
class SaturatedActivation(Detector):
    """At least half of a layer's (sample, unit) pairs are on a flat part.

    Flat means |tanh| > 0.95, or a sigmoid outside (0.025, 0.975). A deep Xavier
    sigmoid network sits at 0.5 and is not saturated: it vanishes (Glorot & Bengio
    2010).
    """

    problem: ClassVar[str] = "saturated_activation"
    precedence: ClassVar[int] = 5

    share: Threshold = Threshold(
        0.5, "(sample, unit) pairs", "healthy layers stay below 0.25"
    )

    def detect(self, case: Case) -> Finding | None:
        ends = np.nan_to_num(case.statistics.at_end("saturated_fraction"), nan=0.0)
        worst = estimate(np.max(ends, axis=1, initial=0.0), 0.05)
        if not case.is_harmed or worst.mean < self.share.value:
            return None
        flat = [
            layer.path
            for layer, mean in zip(
                case.statistics.layers, np.mean(ends, axis=0), strict=True
            )
            if mean >= self.share.value
        ]
        starts = case.statistics.at_start("saturated_fraction")
        is_late = case.vanishes_before(starts, self.share)
        return structural_finding(
            case,
            problem=self.problem,
            certainty=worst.certainty(self.share.value),
            consequence_of="vanishing_gradient" if is_late else None,
            layers=flat,
            shown_by=[evidence("saturated_fraction", worst, self.share)],
            cause=_cause(case, flat),
            explanation="On the flat parts of an activation the slope is next to 0, "
            "so no gradient passes.",
        )


def _cause(case: Case, layers: list[str]) -> Cause:
    rms = case.statistics.context.input_rms
    if rms is not None and rms > LARGE_INPUT:
        return Cause(
            kind="input_scale",
            layers=layers[:1],
            text=f"The inputs are large (RMS {rms:.3g}) and push the first layer onto "
            "its flat parts.",
        )
    starts = np.nan_to_num(case.statistics.at_start("saturated_fraction"), nan=0.0)
    if (
        np.mean(np.max(starts, axis=1, initial=0.0))
        >= SaturatedActivation().share.value
    ):
        return Cause(
            kind="initialisation",
            layers=layers,
            text="The initial weights are so large that the units start on their flat "
            "parts.",
        )
    return Cause(
        kind="learning_rate",
        layers=layers,
        text="Too large steps drove the units onto their flat parts.",
    )
