"""Numbers of a result as points to draw."""

import math
from typing import Literal, TypeAlias

from ...schemas.analysis import Spread
from ...schemas.curve import Curve
from .marks import Point

# What a spread means: a distance, a part of the mean, or a distance in decades.
SpreadKind: TypeAlias = Literal["units", "ratio", "decades"]
# 10 ** 300 is about the largest factor a float holds.
MAX_DECADES = 300


def point_of(x: float, spread: Spread | None, kind: SpreadKind = "units") -> Point:
    """A mean with its spread.

    On a logarithmic axis a distance is shown as a ratio, to be as wide above the mean
    as below: `mean - spread` may be negative.
    """
    if spread is None:
        return Point(x, math.nan)
    mean, deviation = spread.mean, spread.spread
    if not math.isfinite(mean):
        return Point(x, math.inf)  # measured, and marked
    if deviation is None:
        return Point(x, mean)
    if kind == "units":
        return Point(x, mean, mean - deviation, mean + deviation)
    if kind == "decades":
        factor = 10.0 ** min(deviation, MAX_DECADES)
    else:
        factor = 1 + deviation / mean if mean > 0 else 1.0
    return Point(x, mean, mean / factor, mean * factor)


def points_of(curve: Curve, kind: SpreadKind = "units") -> list[Point]:
    """A series with its spread."""
    return [
        point_of(step, None if mean is None else Spread(mean=mean, spread=spread), kind)
        for step, mean, spread in zip(
            curve.steps, curve.mean, curve.spread, strict=True
        )
    ]


def number(value: float | None) -> float:
    """NaN, which is not drawn, where there is none."""
    return math.nan if value is None else value
