"""Figures of two results side by side, on the same scales."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...schemas.analysis import Result
from .chart import Chart
from .heat_map import HeatMap
from .of_result import figures_of


@dataclass(frozen=True, slots=True)
class Pair:
    """The same figure of two results; null where one has none."""

    title: str
    left: Chart | HeatMap | None
    right: Chart | HeatMap | None


def pairs_of(left: Result, right: Result) -> Iterator[Pair]:
    """Every figure that either of the two has."""
    lefts = {figure.title: figure for figure in figures_of(left)}
    rights = {figure.title: figure for figure in figures_of(right)}
    for title in {**lefts, **rights}:
        one, other = lefts.get(title), rights.get(title)
        yield Pair(title, _beside(one, other), _beside(other, one))


def _beside(
    figure: Chart | HeatMap | None, other: Chart | HeatMap | None
) -> Chart | HeatMap | None:
    """A figure whose scale reaches the values of the other too."""
    if isinstance(figure, Chart) and isinstance(other, Chart):
        is_log = figure.is_log or other.is_log
        return replace(figure, y_range=tuple(other.values()), is_log=is_log)
    if isinstance(figure, HeatMap) and isinstance(other, HeatMap):
        return replace(figure, value_range=other.known_values())
    return figure
