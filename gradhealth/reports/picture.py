"""A picture in characters: the backward gain of every layer on a logarithmic axis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..schemas.analysis import LayerStatistics, Theory

MAX_COLUMNS = 60
MAX_COLUMNS_PER_LAYER = 3
MAX_ROWS = 8
# Small enough for every gradient a float32 holds (denormals end at 1e-45).
LOWEST_DECADE = -45

MEASURED, PREDICTED, BOTH = "●", "○", "◉"
LEGEND = f"{MEASURED} measured   {PREDICTED} theory   {BOTH} both"


@dataclass(frozen=True, slots=True)
class Point:
    """A layer's backward gain: measured, and what theory says."""

    path: str
    measured: float | None
    predicted: float | None


def picture_backward_gain(
    layers: Sequence[LayerStatistics], theory: Theory | None
) -> list[str]:
    """Lines that show the gain at the start of training, input side on the left.

    Args:
        layers: The layers in the order of the forward pass.
        theory: The prediction for them.

    Returns:
        No lines when nothing was measured. A gain of zero stands on the lowest line,
        an infinite one on the highest, and one that is not a number is left out.
    """
    points = _thinned(_points(layers, theory))
    axis = _axis(points)
    if not axis:
        return []
    columns = min(MAX_COLUMNS_PER_LAYER, MAX_COLUMNS // len(points))
    marks = [_marks(point, axis) for point in points]
    rows = [
        f"{f'1e{decade:+03d}':>7} ┤"
        + "".join(mark.get(row, " ").center(columns) for mark in marks)
        for row, decade in enumerate(axis)
    ]
    return [*map(str.rstrip, rows), *_foot(points, columns * len(points))]


def _axis(points: Sequence[Point]) -> list[int]:
    gains = [gain for point in points for gain in (point.measured, point.predicted)]
    decades = [_decade(gain) for gain in gains if gain and math.isfinite(gain)]
    if not decades:
        return []
    top, bottom = math.ceil(max(decades)), math.floor(min(decades))
    step = max(1, math.ceil((top - bottom) / (MAX_ROWS - 1)))
    return [*range(top, bottom - step, -step)]


def _points(layers: Sequence[LayerStatistics], theory: Theory | None) -> list[Point]:
    predicted = (
        {layer.path: layer.backward_gain for layer in theory.layers} if theory else {}
    )
    return [
        Point(layer.path, layer.backward_gain.start.mean, predicted.get(layer.path))
        for layer in layers
        if layer.backward_gain is not None and layer.backward_gain.start is not None
    ]


def _thinned(points: list[Point]) -> list[Point]:
    if len(points) <= MAX_COLUMNS:
        return points
    last = len(points) - 1
    return [points[round(i * last / (MAX_COLUMNS - 1))] for i in range(MAX_COLUMNS)]


def _decade(gain: float) -> float:
    return max(math.log10(gain), LOWEST_DECADE)


def _marks(point: Point, axis: Sequence[int]) -> Mapping[int, str]:
    rows: dict[int, str] = {}
    for gain, mark in ((point.measured, MEASURED), (point.predicted, PREDICTED)):
        if gain is not None and not math.isnan(gain):
            row = _row(gain, axis)
            rows[row] = BOTH if row in rows else mark
    return rows


def _row(gain: float, axis: Sequence[int]) -> int:
    if gain == 0:
        return len(axis) - 1
    if math.isinf(gain):
        return 0
    return min(range(len(axis)), key=lambda row: abs(axis[row] - _decade(gain)))


def _foot(points: Sequence[Point], width: int) -> list[str]:
    first, last = points[0].path, points[-1].path
    gap = max(3, width - len(first) - len(last))
    indent = " " * 9
    return [
        " " * 8 + "└" + "─" * width,
        f"{indent}{first}{' ' * gap}{last}",
        f"{indent}{LEGEND}",
    ]
