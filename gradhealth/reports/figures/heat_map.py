"""Heat maps of layer by step: magnitudes as colours that every eye can order."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from .axes import Axis, Tick
from .chart import BOTTOM, LEFT, RIGHT, TOP, WIDTH

# The rows share the height of a chart, unless they would become invisible.
CELLS_HEIGHT, MIN_ROW_HEIGHT, MAX_ROW_HEIGHT = BOTTOM - TOP, 2.0, 16.0
# Between the numbers of two rows.
MIN_TICK_DISTANCE = 30
# Below the cells: numbers of the steps, their word, the legend and its numbers.
FOOT_HEIGHT, LEGEND_BELOW = 76, 46
# Cividis (Nunez, Anderton & Renslow 2018), at 18 equidistant places.
_CIVIDIS = (
    *("#00204c", "#002a66", "#00346e", "#273f6c", "#3c4a6b", "#4c556b"),
    *("#5b5f6d", "#686a70", "#757575", "#838178", "#928c78", "#a19876"),
    *("#b0a572", "#c0b16d", "#d1bf66", "#e1cc5c", "#f3db4f", "#ffe945"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: where it lies, and what a reader who points at it is told."""

    y: float
    height: float
    name: str


@dataclass(frozen=True)
class HeatMap:
    """Values over steps (left to right) and layers (top to bottom, input first).

    Attributes:
        steps: [T] step numbers.
        layers: [L] names.
        numbers: [L] of the layers, as the other figures count them.
        values: [T][L]; null where nothing was measured.
        value_range: Values that the colours reach in any case.
    """

    title: str
    description: str
    value_label: str
    steps: Sequence[int]
    layers: Sequence[str]
    numbers: Sequence[int]
    values: Sequence[Sequence[float | None]]
    value_range: Sequence[float] = ()

    width, left, right, top = WIDTH, LEFT, RIGHT, TOP

    @property
    def bottom(self) -> float:
        """Lower edge of the cells."""
        return round(TOP + self._row_height * len(self.layers), 2)

    @property
    def height(self) -> float:
        """Of the whole picture, with step numbers and legend."""
        return self.bottom + FOOT_HEIGHT

    @property
    def legend_top(self) -> float:
        """Upper edge of the legend."""
        return self.bottom + LEGEND_BELOW

    @cached_property
    def scale(self) -> Axis:
        """Colours along the legend, by decade."""
        return Axis.over(self.known_values(), LEFT, RIGHT, is_log=True)

    def known_values(self) -> list[float]:
        """What the colours reach: all that was measured, and the range."""
        known = [v for row in self.values for v in row if v is not None]
        return [*known, *self.value_range]

    @cached_property
    def areas(self) -> list[tuple[str, str]]:
        """Colour and SVG path data of all cells that share it; "" is not finite."""
        areas: defaultdict[str, list[str]] = defaultdict(list)
        for row in range(len(self.layers)):
            columns = (self._colour(values[row]) for values in self.values)
            for colour, run in groupby(enumerate(columns), key=lambda cell: cell[1]):
                if colour is not None:
                    places = [column for column, _ in run]
                    areas[colour].append(self._cells(row, places[0], len(places)))
        return [(colour, "".join(cells)) for colour, cells in sorted(areas.items())]

    @property
    def rows(self) -> list[Row]:
        """The layers, to be pointed at."""
        return [
            Row(self._y(row), self._row_height, name)
            for row, name in enumerate(self.layers)
        ]

    @property
    def row_ticks(self) -> list[Tick]:
        """Numbers of a few layers, the first and the last among them."""
        last = len(self.numbers) - 1
        every = max(1, math.ceil(MIN_TICK_DISTANCE / self._row_height))
        rows = [0, *range(every, last - every + 1, every), last]
        middle = self._row_height / 2
        return [
            Tick(round(self._y(row) + middle, 2), str(self.numbers[row]))
            for row in dict.fromkeys(rows)
        ]

    @property
    def has_non_finite(self) -> bool:
        """Whether any value is NaN or infinite."""
        return any(not colour for colour, _ in self.areas)

    @property
    def legend(self) -> list[tuple[float, float, str]]:
        """Position, width and colour of the legend's pieces."""
        width = (RIGHT - LEFT) / len(_CIVIDIS)
        return [
            (round(LEFT + i * width, 2), round(width + 0.1, 2), colour)
            for i, colour in enumerate(_CIVIDIS)
        ]

    @cached_property
    def _row_height(self) -> float:
        height = CELLS_HEIGHT / max(1, len(self.layers))
        return round(min(max(height, MIN_ROW_HEIGHT), MAX_ROW_HEIGHT), 2)

    def _y(self, row: int) -> float:
        return round(TOP + row * self._row_height, 2)

    def _cells(self, row: int, column: int, count: int) -> str:
        """A rectangle over neighbouring cells of one row."""
        width = (RIGHT - LEFT) / len(self.steps)
        x, w = LEFT + column * width, count * width
        return f"M{x:.6g} {self._y(row):g}h{w:.6g}v{self._row_height:g}h{-w:.6g}z"

    def _colour(self, value: float | None) -> str | None:
        if value is None:
            return None
        if not math.isfinite(value):
            return ""
        share = (self.scale.at(value) - LEFT) / (RIGHT - LEFT)
        return _CIVIDIS[round(share * (len(_CIVIDIS) - 1))]
