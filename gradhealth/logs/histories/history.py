"""All that is remembered of a run: bounded, however long it is, and it may go on."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from ...schemas.trace import Context, IntArray, Series, Trace, TracedLayer
from .blocks import BoolArray, Floats
from .points import Points
from .table import Table

# Of series one number a step, of layer series one a layer and step: 1,000 layers and 4
# statistics are 28 MB.
MAX_POINTS, MAX_LAYER_BLOCKS = 2_048, 256
# Shares may be 0 and losses negative: they have no logarithm.
_PLAIN_ENDINGS = ("_fraction", "_lag")
_SIZES = frozenset({"loss_scale", "temporal_gain"})


def is_size(name: str, *, of_layers: bool) -> bool:
    """Whether a statistic is compared by ratio: norms and gains are."""
    if name.endswith(_PLAIN_ENDINGS):
        return False
    return of_layers or "norm" in name or name in _SIZES


class History:
    """Grows by batches of steps; what it takes does not depend on their number.

    Args:
        layers: By depth when the context says so; None: unknown.
        context: What is known beside the numbers.
    """

    def __init__(
        self, layers: tuple[TracedLayer, ...] | None, context: Context
    ) -> None:
        self.layers = layers or ()
        self.context = context
        self.num_rows = 0
        self._steps = {
            size: Table(1, size, is_size=False)
            for size in (MAX_POINTS, MAX_LAYER_BLOCKS)
        }
        self._series: dict[str, Table] = {}
        self._layer_series: dict[str, Table] = {}

    @classmethod
    def of(cls, trace: Trace) -> Self:
        """The history of a whole trace."""
        history = cls(trace.layers, trace.context)
        history.add(trace.steps, trace.series, trace.layer_series)
        return history

    def add(
        self,
        steps: IntArray,
        series: Mapping[str, Series],
        layer_series: Mapping[str, Series],
    ) -> None:
        """The next steps.

        Args:
            steps: [T] later than those before.
            series: Name to [T], masked where nothing was measured.
            layer_series: Name to [T, L].
        """
        if "grad_norm" not in series and "grad_norm" in layer_series:
            series = {**series, "grad_norm": _total(layer_series["grad_norm"])}
        every = np.ones((len(steps), 1), bool)
        for table in self._steps.values():
            table.add(steps[:, None].astype(np.float64), every)
        columns = {name: values[:, None] for name, values in series.items()}
        self._add(self._series, columns, of_layers=False)
        self._add(self._layer_series, layer_series, of_layers=True)
        self.num_rows += len(steps)
        for table in [*self._series.values(), *self._layer_series.values()]:
            table.skip(self.num_rows - table.num_rows)

    @property
    def series_names(self) -> frozenset[str]:
        """Series of which anything was logged."""
        return frozenset(self._series)

    @property
    def layer_series_names(self) -> frozenset[str]:
        """Layer series of which anything was logged."""
        return frozenset(self._layer_series)

    def points(self, name: str) -> Points:
        """A series, thinned; no points where it was not logged."""
        table = self._series.get(name, Table(1, MAX_POINTS, is_size=False))
        return Points.of(table, self._steps[MAX_POINTS])

    def layer_table(self, name: str) -> Table | None:
        """A layer series in blocks; null where it was not logged."""
        return self._layer_series.get(name)

    @property
    def block_steps(self) -> IntArray:
        """[B] the first step of every block of the layer series."""
        return self._steps[MAX_LAYER_BLOCKS].blocks.low[:, 0].astype(np.int64)

    def step_of_row(self, row: int) -> int:
        """The step of a row, or of the start of its block where rows were merged."""
        table = self._steps[MAX_POINTS]
        return int(table.blocks.low[row // table.rows_per_block, 0])

    @property
    def num_bytes(self) -> int:
        """What it takes in memory."""
        tables = [*self._series.values(), *self._layer_series.values()]
        return sum(array.nbytes for table in tables for _, array in table.arrays())

    @property
    def last_step(self) -> int:
        """The latest step; -1 when there is none."""
        steps = self._steps[MAX_POINTS].blocks
        return int(steps.high[-1, 0]) if len(steps) else -1

    def _add(
        self, tables: dict[str, Table], new: Mapping[str, Series], *, of_layers: bool
    ) -> None:
        max_blocks = MAX_LAYER_BLOCKS if of_layers else MAX_POINTS
        for name, values in new.items():
            if name not in tables:
                size = is_size(name, of_layers=of_layers)
                tables[name] = Table(values.shape[1], max_blocks, is_size=size)
            tables[name].skip(self.num_rows - tables[name].num_rows)
            tables[name].add(*_split(values))


def _split(values: Series) -> tuple[Floats, BoolArray]:
    return values.data, ~np.ma.getmaskarray(values)


def _total(norms: Series) -> Series:
    """[T] norm of all layers together."""
    numbers, known = _split(norms)
    if not known.all():
        numbers = np.where(known, numbers, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        totals = np.sqrt(np.einsum("tl,tl->t", numbers, numbers))
    return np.ma.masked_array(totals, ~known.any(axis=1))
