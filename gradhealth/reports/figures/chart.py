"""Line charts: what is shown, and the geometry that a template draws."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from .axes import Axis

# Units of the SVG's view box; wide enough for text that is read at 400 pixels.
WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 52, 412, 10, 196


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


@dataclass(frozen=True)
class Chart:
    """One figure with its words.

    Attributes:
        title: What is shown.
        description: What a reader who cannot see it should know.
        x_label, y_label: What the axes mean, with units.
        x_ends: Names of the first and last place where x is a layer, else none.
    """

    title: str
    description: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    levels: Sequence[Level] = ()
    x_ends: tuple[str, str] | None = None
    is_log: bool = False

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, RIGHT, TOP, BOTTOM

    @cached_property
    def x_axis(self) -> Axis:
        """From left to right."""
        return Axis.over((p.x for p in self._points()), LEFT + 4, RIGHT - 4)

    @cached_property
    def y_axis(self) -> Axis:
        """From bottom to top, over the points, their spread and the levels."""
        values = [v for p in self._points() for v in (p.y, p.low, p.high)]
        values += [level.value for level in self.levels]
        return Axis.over(values, BOTTOM, TOP, is_log=self.is_log)

    def path(self, line: Line) -> str:
        """The line as SVG path data, broken where a value is missing."""
        runs = groupby(line.points, key=lambda point: math.isfinite(point.y))
        return " ".join(
            "M" + " L".join(self._place(p.x, p.y) for p in run)
            for is_known, run in runs
            if is_known
        )

    def band(self, line: Line) -> str:
        """The spread around the line as SVG path data, empty where there is none."""
        known = [p for p in line.points if math.isfinite(p.low + p.high)]
        if len(known) < 2:  # noqa: PLR2004 -- an area needs two ends
            return ""
        outline = [
            *(self._place(p.x, p.high) for p in known),
            *(self._place(p.x, p.low) for p in reversed(known)),
        ]
        return f"M{' L'.join(outline)} Z"

    def dots(self, line: Line) -> list[tuple[float, float]]:
        """Centres of the points that are finite."""
        return [
            (self.x_axis.at(p.x), self.y_axis.at(p.y))
            for p in line.points
            if math.isfinite(p.y)
        ]

    def crosses(self, line: Line) -> list[float]:
        """Where a value was measured that is not finite, by x."""
        return [self.x_axis.at(p.x) for p in line.points if math.isinf(p.y)]

    def rows(self) -> list[tuple[float, list[str]]]:
        """The values as a table: for each x one cell a line."""
        cells = [{p.x: _in_words(p) for p in line.points} for line in self.lines]
        places = sorted({x for column in cells for x in column})
        return [(x, [column.get(x, "") for column in cells]) for x in places]

    def _place(self, x: float, y: float) -> str:
        return f"{self.x_axis.at(x):g},{self.y_axis.at(y):g}"

    def _points(self) -> Iterator[Point]:
        return (point for line in self.lines for point in line.points)


def _in_words(point: Point) -> str:
    if math.isnan(point.y):
        return ""
    text = f"{point.y:.3g}"
    if math.isfinite(point.low + point.high):
        text += f" ({point.low:.2g} to {point.high:.2g})"
    return text
