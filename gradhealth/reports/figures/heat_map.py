"""Heat maps of layer by step: magnitudes as colours that every eye can order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .axes import Axis

WIDTH, CELLS_TOP, CELLS_LEFT, CELLS_RIGHT = 420, 10, 52, 412
MAX_CELLS_HEIGHT, MIN_ROW_HEIGHT, MAX_ROW_HEIGHT = 360, 3, 16
# Cividis (Nunez, Anderton & Renslow 2018), at 18 equidistant places.
_CIVIDIS = (
    *("#00204c", "#002a66", "#00346e", "#273f6c", "#3c4a6b", "#4c556b"),
    *("#5b5f6d", "#686a70", "#757575", "#838178", "#928c78", "#a19876"),
    *("#b0a572", "#c0b16d", "#d1bf66", "#e1cc5c", "#f3db4f", "#ffe945"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One rectangle; `colour` is empty where the value is not finite."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    value: float


@dataclass(frozen=True)
class HeatMap:
    """Values over steps (left to right) and layers (top to bottom, input first).

    Attributes:
        steps: [T] step numbers.
        layers: [L] names.
        values: [T][L]; null where nothing was measured.
    """

    title: str
    description: str
    value_label: str
    steps: Sequence[int]
    layers: Sequence[str]
    values: Sequence[Sequence[float | None]]

    width, left, right, top = WIDTH, CELLS_LEFT, CELLS_RIGHT, CELLS_TOP

    @property
    def bottom(self) -> float:
        """Lower edge of the cells."""
        return CELLS_TOP + self._row_height * len(self.layers)

    @property
    def height(self) -> float:
        """Of the whole picture, with step numbers and legend."""
        return self.bottom + 62

    @cached_property
    def scale(self) -> Axis:
        """Colours along the legend, by decade."""
        known = [v for row in self.values for v in row if v is not None]
        return Axis.over(known, CELLS_LEFT, CELLS_RIGHT, is_log=True)

    @cached_property
    def cells(self) -> list[Cell]:
        """The rectangles in which something was measured."""
        width = (CELLS_RIGHT - CELLS_LEFT) / len(self.steps)
        return [
            Cell(
                x=round(CELLS_LEFT + column * width, 2),
                y=round(CELLS_TOP + row * self._row_height, 2),
                width=round(width + 0.05, 2),  # no seams between neighbours
                height=self._row_height + 0.05,
                colour=self._colour(value),
                value=value,
            )
            for column, values in enumerate(self.values)
            for row, value in enumerate(values)
            if value is not None
        ]

    @property
    def has_non_finite(self) -> bool:
        """Whether any value is NaN or infinite."""
        return any(not cell.colour for cell in self.cells)

    @property
    def legend(self) -> list[tuple[float, float, str]]:
        """Position, width and colour of the legend's pieces."""
        width = (CELLS_RIGHT - CELLS_LEFT) / len(_CIVIDIS)
        return [
            (round(CELLS_LEFT + i * width, 2), round(width + 0.1, 2), colour)
            for i, colour in enumerate(_CIVIDIS)
        ]

    @cached_property
    def _row_height(self) -> float:
        height = MAX_CELLS_HEIGHT / max(1, len(self.layers))
        return round(min(max(height, MIN_ROW_HEIGHT), MAX_ROW_HEIGHT), 2)

    def _colour(self, value: float) -> str:
        if not math.isfinite(value):
            return ""
        share = (self.scale.at(value) - CELLS_LEFT) / (CELLS_RIGHT - CELLS_LEFT)
        return _CIVIDIS[round(share * (len(_CIVIDIS) - 1))]
