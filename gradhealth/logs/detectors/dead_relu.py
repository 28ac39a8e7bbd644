"""Units that are 0 for every input."""

from dataclasses import dataclass
from typing import ClassVar

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding
from .base import LogDetector, Run
from .shares import of_shares


@dataclass(frozen=True)
class DeadReLU(LogDetector):
    """90 % of a layer's units are 0 for all inputs of a batch, at the end."""

    problem: ClassVar[str] = "dead_relu"
    precedence: ClassVar[int] = 1

    share: Threshold = Threshold(
        0.9,
        "share of a layer's units",
        "healthy layers have up to 0.58; deep ones look half dead when all samples "
        "coincide",
    )

    def detect(self, run: Run) -> Finding | None:
        return of_shares(
            run,
            "dead_fraction",
            self.problem,
            self.share,
            Cause(
                kind="unknown",
                text="Units that are off for every input get no gradient and stay off: "
                "a step too large, or biases far below 0, put them there.",
            ),
        )
