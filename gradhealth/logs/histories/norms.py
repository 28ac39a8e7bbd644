"""What the norm of all gradients tells: its level, growth and spikes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .blocks import Floats, IntArray
from .points import Points
from .robust import noise_of, smooth, spread_of

# Fewer logged norms say nothing about a trend.
MIN_NORMS = 10
# The start-up of a run: this share of the points, and at least so many.
STARTUP_SHARE, MIN_STARTUP = 0.05, 3
END_SHARE, MIN_END = 0.05, 3
# A growth has begun when it is this share of the whole growth, in decades.
ONSET_SHARE = 0.15
# The least noise, in decades, that a deviation is held against.
LEAST_NOISE = 0.05


@dataclass(frozen=True, slots=True)
class Spike:
    """Norms far above those around them.

    Attributes:
        decades: How far above, as log10.
        deviations: The same in standard deviations of the run's own noise.
    """

    step: int
    decades: float
    deviations: float


@dataclass(frozen=True)
class NormReading:
    """log10 of the gradient's norm over a run.

    Args:
        points: As logged; NaN where nothing was finite and above 0.
    """

    points: Points

    @cached_property
    def _known(self) -> Points:
        return self.points.only_finite()

    @property
    def values(self) -> Floats:
        """[N] log10 of the norms."""
        return self._known.values

    @property
    def steps(self) -> IntArray:
        """[N] their steps."""
        return self._known.steps

    @property
    def is_enough(self) -> bool:
        """Whether the run's own history is long enough to compare with."""
        return len(self.values) >= MIN_NORMS

    @cached_property
    def curve(self) -> Floats:
        """[N] without noise and spikes."""
        return smooth(self.values)

    @cached_property
    def noise(self) -> float:
        """Standard deviation around the curve, in decades."""
        return max(spread_of(self.values - self.curve), noise_of(self.values) / 2)

    @property
    def startup(self) -> int:
        """Points at the start that are no history yet."""
        share = max(MIN_STARTUP, round(STARTUP_SHARE * len(self.values)))
        return min(share, len(self.values) - 1)

    @cached_property
    def level(self) -> float:
        """The middle of the run, without its start-up."""
        return float(np.median(self.values[self.startup :]))

    @cached_property
    def early(self) -> float:
        """The middle of the first quarter, start-up included."""
        return float(np.median(self.values[: max(3, len(self.values) // 4)]))

    @cached_property
    def end(self) -> float:
        """Median of the last 5 %."""
        count = max(MIN_END, round(END_SHARE * len(self.values)))
        return float(np.median(self.values[-count:]))

    @cached_property
    def scatter(self) -> float:
        """Standard deviation of all but the start-up, in decades."""
        return spread_of(self.values[self.startup :])

    @cached_property
    def _lowest(self) -> int:
        return self.startup + int(self.curve[self.startup :].argmin())

    @property
    def lowest_step(self) -> int:
        """Where the smoothed norm is least, after the start-up."""
        return int(self.steps[self._lowest])

    @cached_property
    def growth(self) -> float:
        """Decades from the lowest part after the start-up to the end."""
        return self.end - float(self.curve[self._lowest])

    @cached_property
    def growth_step(self) -> int:
        """Where the growth that lasts to the end began."""
        low = float(self.curve[self._lowest])
        near = self.curve[self._lowest :] <= low + ONSET_SHARE * self.growth
        return int(self.steps[self._lowest + np.flatnonzero(near)[-1]])

    @cached_property
    def peak(self) -> float:
        """The largest norm, start-up included."""
        return float(self._known.high.max())

    @cached_property
    def peak_step(self) -> int:
        """Where it was."""
        return int(self.steps[self._known.high.argmax()])

    def spikes(self, decades: float, deviations: float) -> list[Spike]:
        """Points after the start-up that stand out of those around them.

        Args:
            decades: How far above the curve, at least.
            deviations: ... and in standard deviations of the run's own noise.
        """
        above = self._known.high - self.curve
        noise = max(self.noise, LEAST_NOISE)
        found = np.flatnonzero((above >= decades) & (above / noise >= deviations))
        return [
            Spike(int(self.steps[i]), float(above[i]), float(above[i] / noise))
            for i in found
            if i >= self.startup
        ]

    def at(self, step: int) -> float:
        """The smoothed norm at a step."""
        place = int(np.searchsorted(self.steps, step, "right")) - 1
        return float(self.curve[max(0, place)])
