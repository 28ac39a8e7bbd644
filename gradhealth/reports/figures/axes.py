"""Axes: from values to coordinates, linear or logarithmic."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..numbers import in_plain_text

# More labels than this would touch each other.
MAX_TICKS = 6
# Gains below what a float32 holds (denormals end at 1e-45) are drawn at the edge.
LOWEST_DECADE = -45
# Steps between ticks, in units of a power of ten.
_NICE_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    position: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Values between `low` and `high`, drawn between `start` and `end`.

    On a logarithmic axis `low` and `high` are powers of ten: decades, not values.

    Attributes:
        is_whole: Only whole numbers are labelled: steps, layers, lags.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False
    is_whole: bool = False

    @classmethod
    def over(
        cls,
        values: Iterable[float],
        start: float,
        end: float,
        *,
        is_log: bool = False,
        is_whole: bool = False,
    ) -> "Axis":
        """An axis that shows all values that are finite.

        On a logarithmic one, 0 lies a decade below the smallest positive value.
        """
        known = [value for value in values if math.isfinite(value)]
        if is_log:
            decades = [_decade(value) for value in known if value > 0] or [0]
            low: float = math.floor(min(decades)) - any(value <= 0 for value in known)
            high: float = math.ceil(max(decades))
        else:
            low, high = min(known, default=0.0), max(known, default=0.0)
        high = high if high > low else low + 1
        return cls(low, high, start, end, is_log, is_whole)

    def at(self, value: float) -> float:
        """The coordinate of a value; what the axis does not reach lies on its edge."""
        if self.is_log:
            value = _decade(value) if value > 0 else -math.inf
        if math.isnan(value):
            value = self.low
        share = (min(max(value, self.low), self.high) - self.low) / (
            self.high - self.low
        )
        return round(self.start + share * (self.end - self.start), 2)

    def reaches(self, value: float) -> bool:
        """Whether a value lies on the axis."""
        if self.is_log:
            value = _decade(value) if value > 0 else -math.inf
        return self.low <= value <= self.high

    @property
    def ticks(self) -> list[Tick]:
        """At most 6 round values (powers of ten if log)."""
        step = self._step()
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        values = [number * step for number in range(first, last + 1)]
        if self.is_log:
            values = [10.0**decade for decade in values]
        return [Tick(self.at(value), in_plain_text(value)) for value in values]

    def _step(self) -> float:
        rough = (self.high - self.low) / (MAX_TICKS - 1)
        if self.is_log:
            return max(1, math.ceil(rough))
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(nice for nice in _NICE_STEPS if power * nice >= rough)
        return max(1.0, step) if self.is_whole else step


def _decade(value: float) -> float:
    return max(math.log10(value), LOWEST_DECADE) if math.isfinite(value) else math.inf
