"""NaN or an infinity appeared."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..architecture.network import Network
from ..causes import of_divergence, of_growth
from ..schemas.finding import Cause, Evidence, Finding
from ..schemas.trace import NonFinite as Place
from .base import Case, Detector

PLACES: dict[str, str] = {
    "data": "in the data",
    "activation": "in an activation",
    "loss": "in the loss",
    "gradient": "in a gradient",
    "weight": "in a weight",
}

# Losses with a logarithm that is taken apart from the exponential.
LOGARITHMIC = frozenset({"nll_of_softmax", "bce"})
# A gain beyond this many decades is reason enough for numbers to overflow.
GROWTH_DECADES = 3.0


@dataclass(frozen=True)
class NonFinite(Detector):
    """The first number that stopped being finite, with its layer and step.

    When growth came before it, the growth is the cause: exploding_gradient stands
    first then, unless the data itself is broken.
    """

    problem: ClassVar[str] = "non_finite"
    precedence: ClassVar[int] = 2

    def detect(self, case: Case) -> Finding | None:
        statistics = case.statistics
        places = [trace.context.non_finite for trace in statistics.traces]
        found = [place for place in places if place is not None]
        if not found:
            return None
        first = min(found, key=lambda place: place.step)
        share = len(found) / statistics.num_seeds
        return Finding(
            problem=self.problem,
            severity="critical" if case.is_harmed else "warning",
            confidence=round(0.5 + 0.49 * share, 3),
            layers=[first.layer] if first.layer else [],
            evidence=[
                Evidence(statistic="non_finite_step", value=first.step, unit="step"),
                Evidence(
                    statistic="non_finite_share",
                    value=share,
                    threshold=0.0,
                    unit="seeds",
                ),
            ],
            cause=_cause(case, first),
            explanation=f"NaN or an infinity first appears {PLACES[first.where]}"
            f"{f' of {first.layer}' if first.layer else ''} at step {first.step}; from "
            "there on every number is lost.",
        )


def _cause(case: Case, place: Place) -> Cause:
    layers = [place.layer] if place.layer else []
    network = case.network
    if place.where == "data":
        text = "The data holds NaN or infinities: clean it."
        return Cause(kind="data", layers=layers, text=text)
    if network is not None and network.spec.training.precision == "float16":
        text = "float16 ends at 65,504: larger numbers overflow."
        return Cause(kind="precision", layers=layers, text=text)
    if np.max(case.statistics.log10_gain.mean(axis=0), initial=0.0) > GROWTH_DECADES:
        return of_growth(case.statistics, network)
    if place.where == "loss" and _takes_logarithm(network):
        text = "The loss takes the logarithm of 0 or divides by 0."
        return Cause(kind="loss", layers=layers, text=text)
    return of_divergence(case.statistics, network)


def _takes_logarithm(network: Network | None) -> bool:
    """Whether the loss is one that numbers of usual size can make infinite."""
    return network is None or network.goal.loss in LOGARITHMIC
