"""More steps an hour: what they would change, and what not."""

import math
from collections.abc import Iterator

from .base import Case, Proposal, Remedy

# Over a run that learns, the updates of a layer add up to this share of its weights.
NEEDED_CHANGE = 0.05
# More than this no machine brings over another one.
MAX_SPEED_UP = 1000.0


class UseFasterHardware(Remedy):
    """Says how many times the steps it would take, by the measured change a step.

    Schmidhuber (2015) names faster hardware as what made deep networks trainable: it
    helps where a layer learns slowly, not where nothing arrives. Advice only: no spec
    says it, and no trial can prove it.
    """

    kind = "hardware"
    treats = frozenset(
        {"vanishing_gradient", "temporal_vanishing_gradient", "stalled_training"}
    )

    def proposals(self, case: Case) -> Iterator[Proposal]:
        facts = case.facts
        if facts is None or not facts.first_layers_change > 0:
            return
        factor = NEEDED_CHANGE / facts.first_layers_change
        if factor <= 1:
            return
        seconds = facts.step_seconds * case.network.spec.training.steps
        if factor > MAX_SPEED_UP:
            title = "Faster hardware would not help"
            end = (
                f"that is {_duration(seconds * factor)} here, and no machine is so fast"
            )
        else:
            title = f"Train {math.ceil(factor)} times as many steps"
            end = (
                f"that is {_duration(seconds * factor)} here, or the same time on a "
                f"machine {math.ceil(factor)} times as fast"
            )
        yield Proposal(
            title=title,
            why=(
                "In this run the first layers changed by "
                f"{facts.first_layers_change:.1g} of their weights, where runs that "
                f"learn change by {NEEDED_CHANGE:g} or more: it takes {factor:.2g} "
                f"times the steps; {end}."
            ),
            spec=None,
            snippet="",
        )


def _duration(seconds: float) -> str:
    for unit, length in (("years", 3.156e7), ("days", 86400), ("hours", 3600)):
        if seconds >= length:
            return f"{seconds / length:.2g} {unit}"
    return f"{seconds:.2g} seconds"
