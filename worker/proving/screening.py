"""What a look at the initialisation alone says about a candidate.

It costs a hundredth of a training and refutes what cannot work: a signal or gradient
that is gone, or blown up, before the first step.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from gradhealth.schemas.fix import ScreenedOut
from gradhealth.schemas.training import SGD, Optimizer


@dataclass(frozen=True, slots=True)
class Gate:
    """Bounds of one statistic at the start, for candidates against certain problems.

    Attributes:
        statistic: Key of the screening's reply: one number a seed.
        problems: The problems that the statistic is about.
        too_low: What is wrong below `low`.
        too_high: What is wrong above `high`.
        low_if_adaptive: The lower bound where the optimizer divides the gradient by
            its own size: Adam learns down to about its eps of 1e-8.
    """

    statistic: str
    problems: frozenset[str]
    too_low: str = ""
    too_high: str = ""
    low: float = -math.inf
    high: float = math.inf
    low_if_adaptive: float = -math.inf

    def bounds(self, optimizer: Optimizer) -> tuple[float, float]:
        """Lowest and highest value that may pass."""
        plain = isinstance(optimizer, SGD)
        return (self.low if plain else self.low_if_adaptive, self.high)


# The bound of 3 decades is the one that divides vanishing and exploding networks from
# healthy ones; below a spread of 0.002 at the last hidden layer no network learned in
# 200 steps of SGD.
GATES = (
    Gate(
        statistic="log10_backward_gain",
        problems=frozenset({"vanishing_gradient", "exploding_gradient", "non_finite"}),
        too_low="the gradient still vanishes on its way to the first layer",
        too_high="the gradient explodes on its way to the first layer",
        low=-3.0,
        high=3.0,
        low_if_adaptive=-8.0,
    ),
    Gate(
        statistic="last_hidden_std",
        problems=frozenset({"vanishing_gradient"}),
        too_low="the last hidden layer gives almost the same for every input",
        low=0.002,
    ),
    Gate(
        statistic="log10_temporal_gain",
        problems=frozenset(
            {"temporal_vanishing_gradient", "temporal_exploding_gradient"}
        ),
        too_low="the gradient still vanishes on its way back in time",
        too_high="the gradient explodes on its way back in time",
        low=-3.0,
        high=3.0,
        low_if_adaptive=-8.0,
    ),
    Gate(
        statistic="dead_fraction",
        problems=frozenset({"dead_relu"}),
        too_high="the units of a layer are still off for every input",
        high=0.9,
    ),
    Gate(
        statistic="saturated_fraction",
        problems=frozenset({"saturated_activation"}),
        too_high="the units of a layer are still saturated",
        high=0.5,
    ),
)


def screen_out(
    reply: Mapping[str, Any], problem: str, optimizer: Optimizer
) -> ScreenedOut | None:
    """Why the candidate need not be trained; null when it may work.

    Args:
        reply: Statistics at the start by name, one number a seed; null where a number
            is not finite.
        problem: The primary problem it shall cure.
        optimizer: What the candidate is trained with.
    """
    for gate in GATES:
        if problem not in gate.problems:
            continue
        value = _mean(reply[gate.statistic])
        low, high = gate.bounds(optimizer)
        if value < low:
            return _out(gate.statistic, gate.too_low, value, low)
        if not value <= high:  # also when it is no number
            return _out(gate.statistic, gate.too_high or gate.too_low, value, high)
    return None


def _mean(values: Sequence[float | None]) -> float:
    return fmean(math.nan if value is None else value for value in values)


def _out(statistic: str, why: str, value: float, threshold: float) -> ScreenedOut:
    return ScreenedOut(
        why=f"at the start, {why}",
        statistic=statistic,
        value=value,
        threshold=threshold,
    )
