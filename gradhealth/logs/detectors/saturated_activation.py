"""Activations on the flat part of their function."""

from dataclasses import dataclass
from typing import ClassVar

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding
from .base import LogDetector, Run
from .shares import of_shares


@dataclass(frozen=True)
class SaturatedActivation(LogDetector):
    """Half of a layer's activations lie where the slope is next to 0, at the end."""

    problem: ClassVar[str] = "saturated_activation"
    precedence: ClassVar[int] = 2

    share: Threshold = Threshold(
        0.5, "share of a layer's activations", "healthy layers have up to 0.25"
    )

    def detect(self, run: Run) -> Finding | None:
        return of_shares(
            run,
            "saturated_fraction",
            self.problem,
            self.share,
            Cause(
                kind="input_scale",
                text="Inputs of these layers are so large that the activation is flat: "
                "standardise the data, or draw smaller weights.",
            ),
        )
