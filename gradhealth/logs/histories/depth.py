"""How gradients change from layer to layer, where the order of layers is known."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .blocks import Floats, IntArray
from .history import History
from .robust import slope, smooth, tau

# A trend over depth needs three layers.
MIN_LAYERS = 3
# Of more layers so many, evenly spread, are compared in pairs: half a million.
MAX_COMPARED = 1_000
# The start of a run, where the structure shows and convergence does not yet.
FIRST_SHARE = 0.25
# Parts of names, and types, of what has no weight matrix in the chain of layers.
_ASIDE = re.compile(
    r"bias|norm|\bln[_\d]|\bbn\d*|embed|\bwte\b|\bwpe\b|lm_head|\bscale\b|gamma|beta",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class DepthReading:
    """[L] layers of one kind, the input first, and a statistic of each.

    Args:
        paths: Names of the layers.
        columns: Their columns in the table.
        decades: log10 of the statistic, median of the first quarter of the run.
        late: The same of the last quarter.
        by_block: [B, L] the same of each block; NaN: not measured.
        num_norms: Measured norms of the layer that has the fewest.
    """

    paths: tuple[str, ...]
    columns: IntArray
    decades: Floats
    late: Floats
    by_block: Floats
    num_norms: int

    @cached_property
    def factor(self) -> float:
        """What a layer leaves of the gradient on its way back, at the start."""
        return self._factor(self.decades)

    @cached_property
    def at_the_end(self) -> "DepthReading":
        """What the last quarter would show, had the run begun there."""
        return replace(self, decades=self.late)

    @cached_property
    def change_block(self) -> int:
        """The block from which on the depth looks as at the end, not as at the start.

        That is where the difference between the upper and the lower half of the layers
        has come half the way.
        """
        half = len(self.decades) // 2
        lower, upper = _medians_of_rows(self.by_block, half)
        apart = upper - lower
        measured = np.flatnonzero(np.isfinite(apart))
        curve = smooth(apart[measured])
        before, after = (
            float(np.median(x[-half:]) - np.median(x[:half]))
            for x in (self.decades, self.late)
        )
        as_before = np.flatnonzero(np.abs(curve - before) <= np.abs(curve - after))
        place = int(as_before[-1]) + 1 if len(as_before) else 0
        return int(measured[min(place, len(measured) - 1)])

    @property
    def total(self) -> float:
        """Decades from the last layer to the first."""
        return float(self.decades[0] - self.decades[-1])

    @cached_property
    def consistency(self) -> float:
        """Rank correlation with depth: 1 when each layer has more than the last one."""
        return tau(self.decades[self._compared])

    def share_below(self, factor: float) -> float:
        """Of the steps from layer to layer, how many leave less than a factor."""
        return float(np.mean(np.diff(self.decades) > -np.log10(factor)))

    @property
    def _compared(self) -> IntArray:
        """[K] places of the layers that are compared with each other."""
        count = len(self.decades)
        return np.linspace(0, count - 1, min(count, MAX_COMPARED)).astype(np.int64)

    def _factor(self, decades: Floats) -> float:
        places = self._compared
        return float(10.0 ** -slope(places.astype(np.float64), decades[places]))


def read_depth(history: History, name: str) -> DepthReading | None:
    """The layers of the largest family of like-named ones, by depth.

    Layers of one family (`h.0.attn`, `h.1.attn`, ...) play the same part, so that
    their norms can be compared; where no family has three members, all layers with
    weight matrices are taken.

    Returns:
        Nothing where the order is unknown or fewer than three layers were measured.
    """
    table = history.layer_table(name)
    if table is None or history.context.layer_order == "unknown":
        return None
    blocks = table.blocks
    means = np.where(blocks.count > 0, blocks.mean, np.nan).astype(np.float64)
    count = max(1, round(FIRST_SHARE * len(blocks)))
    early, late = _medians(means[:count]), _medians(means[-count:])
    known = np.flatnonzero(np.isfinite(early))
    groups = _families(history, known)
    columns = max(groups.values(), key=len, default=np.zeros(0, np.int64))
    if len(columns) < MIN_LAYERS:
        columns = _chain(history, known)
    if len(columns) < MIN_LAYERS:
        return None
    paths = tuple(history.layers[column].path for column in columns)
    return DepthReading(
        paths,
        columns,
        early[columns],
        late[columns],
        means[:, columns],
        int(blocks.count[:, columns].sum(axis=0).min()),
    )


def _medians(rows: Floats) -> Floats:
    known = ~np.isnan(rows).all(axis=0)
    medians = np.full(rows.shape[1], np.nan)
    medians[known] = np.nanmedian(rows[:, known], axis=0)
    return medians


def _medians_of_rows(rows: Floats, half: int) -> tuple[Floats, Floats]:
    """[B] medians of the first and of the last columns of each row."""
    turned = rows.T
    return _medians(turned[:half]), _medians(turned[-half:])


def _chain(history: History, known: IntArray) -> IntArray:
    return np.array([c for c in known if not _is_aside(history, c)], np.int64)


def _families(history: History, known: IntArray) -> Mapping[str, IntArray]:
    groups = defaultdict[str, list[int]](list)
    for column in _chain(history, known):
        groups[_NUMBER.sub("*", history.layers[column].path)].append(int(column))
    return {name: np.array(columns) for name, columns in groups.items()}


def _is_aside(history: History, column: int) -> bool:
    layer = history.layers[column]
    return bool(_ASIDE.search(layer.path) or _ASIDE.search(layer.type))
