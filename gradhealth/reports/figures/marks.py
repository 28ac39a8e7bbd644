"""What a chart shows: points in lines, and what they are held against."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A value with the range of its spread; NaN where there is none."""

    x: float
    y: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, slots=True)
class Line:
    """A series of points.

    Attributes:
        style: A class of the style sheet: `measured`, `theory`, `before`, `after`...
    """

    label: str
    style: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line that something is held against."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Zone:
    """Values between which all is well."""

    label: str
    low: float
    high: float
