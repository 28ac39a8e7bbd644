"""Line charts: what is shown, and the geometry that a template draws."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, pairwise

from .axes import Axis
from .labels import Label, between, clearest_place
from .marks import Level, Line, Point, Zone

# Units of the SVG's view box; wide enough for text that is read at 400 pixels.
WIDTH, HEIGHT = 440, 236
LEFT, RIGHT, TOP, BOTTOM = 44, 436, 26, 200
# A dot for each point, up to so many: layers are apart, steps run into each other.
MAX_DOTS, MAX_DOTS_OF_STEPS = 60, 12


@dataclass(frozen=True)
class Chart:
    """One figure with its words.

    Attributes:
        title: What is shown.
        description: What a reader who cannot see it should know.
        x_label, y_label: What the axes mean, with units.
        levels: Drawn where the points reach them; all of them where they reach none.
        y_range: Values that the axis reaches in any case.
        x_names: What stands at a place, where it has a name: a layer's path.
    """

    title: str
    description: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    levels: Sequence[Level] = ()
    zone: Zone | None = None
    y_range: tuple[float, ...] = ()
    x_names: Mapping[float, str] = field(default_factory=dict)
    is_log: bool = False

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, RIGHT, TOP, BOTTOM

    @cached_property
    def x_axis(self) -> Axis:
        """From left to right."""
        places = (p.x for p in self._points())
        return Axis.over(places, LEFT + 8, RIGHT - 8, is_whole=True)

    @cached_property
    def y_axis(self) -> Axis:
        """From bottom to top, over points, spread, and what they are held against."""
        values = [*self.values(), *(level.value for level in self.shown_levels)]
        return Axis.over(values, BOTTOM, TOP, is_log=self.is_log)

    @cached_property
    def shown_levels(self) -> list[Level]:
        """Those that say something about the points: far ones would flatten them."""
        axis = Axis.over(self.values(), BOTTOM, TOP, is_log=self.is_log)
        reached = [level for level in self.levels if axis.reaches(level.value)]
        return reached or list(self.levels)

    def label_of(self, value: float) -> Label:
        """Where the label of a level stands."""
        return clearest_place(
            self.y_axis.at(value),
            between=((LEFT, RIGHT), (TOP, BOTTOM)),
            avoiding=list(self._drawn()),
        )

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

    def dots(self, line: Line) -> list[tuple[float, float, str]]:
        """Centres of the finite points and what each says, unless they are many."""
        if len(line.points) > (MAX_DOTS if self.x_names else MAX_DOTS_OF_STEPS):
            return []
        return [
            (
                self.x_axis.at(p.x),
                self.y_axis.at(p.y),
                f"{self.name_of(p.x)}: {_in_words(p)}",
            )
            for p in line.points
            if math.isfinite(p.y)
        ]

    def crosses(self, line: Line) -> list[float]:
        """Where a value was measured that is not finite, by x."""
        return [self.x_axis.at(p.x) for p in line.points if math.isinf(p.y)]

    @property
    def has_spread(self) -> bool:
        """Whether any line has a band around it."""
        return any(self.band(line) for line in self.lines)

    def name_of(self, x: float) -> str:
        """What stands at a place."""
        return self.x_names.get(x) or f"{self.x_label} {x:g}"

    def rows(self) -> list[tuple[str, list[str]]]:
        """The values as a table: for each x its name or number, and one cell a line."""
        cells = [{p.x: _in_words(p) for p in line.points} for line in self.lines]
        places = sorted({x for column in cells for x in column})
        return [
            (self.x_names.get(x, f"{x:g}"), [column.get(x, "") for column in cells])
            for x in places
        ]

    def _place(self, x: float, y: float) -> str:
        return "{:g},{:g}".format(*self._at(x, y))

    def _drawn(self) -> Iterator[tuple[float, float]]:
        """Coordinates along the lines, and of the ends of the spread."""
        for line in self.lines:
            for p, q in pairwise(line.points):
                if math.isfinite(p.y + q.y):
                    yield from between(self._at(p.x, p.y), self._at(q.x, q.y))
        for p in self._points():
            yield from (self._at(p.x, y) for y in (p.low, p.high) if math.isfinite(y))

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return self.x_axis.at(x), self.y_axis.at(y)

    def _points(self) -> Iterator[Point]:
        return (point for line in self.lines for point in line.points)

    def values(self) -> list[float]:
        """What the axis reaches: points, spread, zone and range."""
        values = [v for p in self._points() for v in (p.y, p.low, p.high)]
        values += self.y_range
        return values + ([self.zone.low, self.zone.high] if self.zone else [])


def _in_words(point: Point) -> str:
    if math.isnan(point.y):
        return ""
    text = f"{point.y:.3g}"
    if math.isfinite(point.low + point.high):
        text += f" ({point.low:.2g} to {point.high:.2g})"
    return text
