"""Decides which steps are measured, so that recording stays within its budget."""

import math
import statistics
from dataclasses import dataclass, field

# The start is where a broken network shows itself.
NUM_FIRST_STEPS = 10
# Sampled steps may take this share of the budget, the norms what is left, and that
# share at least: hooks alone may use up the budget of a tiny network.
SAMPLE_SHARE, NORM_SHARE = 0.5, 0.25
# Few, so that noise in the times does not change them all the time.
INTERVALS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500)


@dataclass(slots=True)
class Costs:
    """Seconds on the training's thread since the last look at them.

    Attributes:
        steps: From one step to the next, without what the recorder took.
        norms: Of the steps in which norms were taken, for them.
        samples: Of the sampled steps, for everything else.
        other: What each step costs anyway, hand-over included.
    """

    steps: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    samples: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)


class Governor:
    """Norms each step and everything else at each 50th, or as the budget allows.

    Args:
        budget: Share of a step's time that recording may take; null: no limit.
        norm_every: Steps between two with gradient norms, at least.
        sample_every: Steps between two with everything else, at least.
    """

    def __init__(
        self, budget: float | None, *, norm_every: int, sample_every: int
    ) -> None:
        if budget is not None and budget <= 0:
            raise ValueError("budget: a share of a step's time above 0, or None")
        if min(norm_every, sample_every) < 1:
            raise ValueError("norm_every and sample_every: 1 step or more")
        self.budget = budget
        self._wanted = norm_every, sample_every
        self.norm_every, self.sample_every = self._wanted
        self._sample_seconds = self._norm_seconds = 0.0

    def takes_norms(self, step: int) -> bool:
        """Whether the step's gradient norms are wanted; `step` counts from 0."""
        return self._is_one_of(step, self.norm_every) or self.takes_sample(step)

    def takes_sample(self, step: int) -> bool:
        """Whether everything else is wanted as well."""
        return self._is_one_of(step, self.sample_every)

    def _is_one_of(self, step: int, every: int) -> bool:
        return step < NUM_FIRST_STEPS or step % every == 0

    def adjust(self, costs: Costs) -> str | None:
        """Looks at what recording cost; says what changes, or null.

        Medians, since anything else that runs on the machine adds to single times.
        """
        if costs.norms:
            self._norm_seconds = statistics.median(costs.norms)
        if costs.samples:
            self._sample_seconds = statistics.median(costs.samples)
        if self.budget is None or not costs.steps:
            return None
        step_seconds = statistics.median(costs.steps)
        other = math.fsum(costs.other) / len(costs.steps)
        allowed = self.budget * step_seconds
        before = self.norm_every, self.sample_every
        self.sample_every = self._every(
            self._wanted[1], self._sample_seconds, SAMPLE_SHARE * allowed
        )
        left = max(
            allowed - other - self._sample_seconds / self.sample_every,
            NORM_SHARE * allowed,
        )
        self.norm_every = self._every(self._wanted[0], self._norm_seconds, left)
        if (self.norm_every, self.sample_every) == before:
            return None
        return (
            f"norms each {_ordinal(self.norm_every)} step, everything else each "
            f"{_ordinal(self.sample_every)}: they take "
            f"{1e3 * self._norm_seconds:.2g} and "
            f"{1e3 * self._sample_seconds:.2g} ms, a step {1e3 * step_seconds:.3g}"
            f" ms, and the budget is {self.budget:.2g} of it"
        )

    def _every(self, wanted: int, seconds: float, allowed: float) -> int:
        needed = seconds / allowed if allowed > 0 else math.inf
        if needed <= wanted:
            return wanted
        return next((n for n in INTERVALS if n >= needed), max(wanted, INTERVALS[-1]))


def _ordinal(every: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    ending = "th" if every % 100 in (11, 12, 13) else endings.get(every % 10, "th")
    return f"{every}{ending}"
