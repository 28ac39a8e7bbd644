"""Turns rows into batches, on the host: layers from parameters, ratios from norms."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from ..batches import Batch
from ..schemas.trace import IntArray, Series
from .rows import (
    BACKWARD_GAIN,
    GRAD_NORM,
    UPDATE_NORM,
    WEIGHT_NORM,
    Numbers,
    Row,
    Transfer,
)

# float32 squares underflow below, so smaller norms are no measurement.
FLOAT32_NORM_FLOOR = 1e-18
NORMS = (GRAD_NORM, WEIGHT_NORM, UPDATE_NORM)


class Assembly:
    """Numbers batches and fills them.

    Args:
        order: The layer, by definition, that stands in each column.
        owners: The layer that owns each parameter.
        backoff: What the loss scale is multiplied with when a step is skipped.

    Attributes:
        saw_doubtful: Whether there were norms lately that float32 cannot tell from 0
            or infinity.
    """

    def __init__(
        self, order: Sequence[int], owners: Sequence[int], *, backoff: float
    ) -> None:
        self._columns = np.argsort(order)
        self._owners = self._columns[np.array(owners, np.int64)]
        self._backoff = backoff
        self._loss_scale = np.nan
        self._was_skipped = False
        self._sequence = 0
        self.saw_doubtful = False

    def batch(self, rows: Sequence[Row], transfer: Transfer) -> Batch:
        """The next batch; waits until its numbers have arrived."""
        arrays = iter(transfer.arrays())
        scalars = _Table((len(rows),))
        layers = _Table((len(rows), len(self._columns)))
        self.saw_doubtful = False
        for number, row in enumerate(rows):
            means = self._means(row, arrays)
            for name, values in self._statistics(row, arrays).items():
                layers.put(name, number, values)
                if name == GRAD_NORM:
                    total = float(np.sqrt((values.filled(0.0) ** 2).sum()))
                    means.setdefault(name, total)
            for name, mean in means.items():
                scalars.put(name, number, np.ma.masked_array(mean))
        steps = np.array([row.step for row in rows], np.int64)
        batch = Batch(self._sequence, steps, scalars.series, layers.series)
        self._sequence += 1
        return batch

    def _means(self, row: Row, arrays: Iterator[Numbers]) -> dict[str, float]:
        """The row's scalars, and the steps that the scaler left out before it."""
        means: dict[str, float] = {}
        for name, values in row.scalars.items():
            known = [next(arrays)[0] if isinstance(v, Tensor) else v for v in values]
            means[name] = float(np.mean(known))
        scale = means.get("loss_scale", np.nan)
        if scale < self._loss_scale and not self._was_skipped:
            skips = np.log(scale / self._loss_scale) / np.log(self._backoff)
            means["skipped"] = means.get("skipped", 0.0) + round(skips)
        self._loss_scale = scale
        # Fused optimizers step even then: the row itself is the one.
        self._was_skipped = "skipped" in row.scalars and means["skipped"] > 0
        return means

    def _statistics(self, row: Row, arrays: Iterator[Numbers]) -> dict[str, Series]:
        """[L] by name, masked where nothing was measured."""
        found: dict[str, Series] = {}
        for cells in row.cells:
            values, indices = next(arrays), list(cells.columns)
            if cells.name == GRAD_NORM:
                columns = self._owners[indices]
            else:
                columns = self._columns[indices]
            table = found.setdefault(cells.name, _nothing(len(self._columns)))
            if cells.name in NORMS:
                _add_norms(table, columns, values)
            else:
                table[columns] = values
        if GRAD_NORM in found and not row.is_exact:
            self._doubt(found[GRAD_NORM])
        if BACKWARD_GAIN in found:
            found[BACKWARD_GAIN] = _relative(found[BACKWARD_GAIN])
        if UPDATE_NORM in found:
            found["update_ratio"] = found.pop(UPDATE_NORM) / found[WEIGHT_NORM]
        return found

    def _doubt(self, norms: Series) -> None:
        """Masks what may have underflowed in float32."""
        known = norms.compressed()
        self.saw_doubtful |= bool((known < FLOAT32_NORM_FLOOR).any())
        self.saw_doubtful |= bool(np.isinf(known).any())
        norms[norms < FLOAT32_NORM_FLOOR] = np.ma.masked


class _Table:
    """Series that fill up row by row; the rest stays masked."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self.series: dict[str, Series] = {}

    def put(self, name: str, row: int, values: Series) -> None:
        if name not in self.series:
            self.series[name] = _nothing(*self._shape)
        self.series[name][row] = values


def _nothing(*shape: int) -> Series:
    return np.ma.masked_array(np.zeros(shape), np.ones(shape, bool))


def _add_norms(norms: Series, columns: IntArray, values: Numbers) -> None:
    """A layer's norm is that of all its parameters together."""
    squares = norms.filled(0.0) ** 2
    np.add.at(squares, columns, values**2)
    known = ~np.ma.getmaskarray(norms)
    known[columns] = True
    norms[known] = np.sqrt(squares[known])


def _relative(grad_norms: Series) -> Series:
    """Gradients at the stations over that at the last hidden one; no output."""
    stations = np.flatnonzero(~np.ma.getmaskarray(grad_norms))
    if len(stations) < 2:  # noqa: PLR2004 -- nothing to compare
        return _nothing(len(grad_norms))
    gains: Series = grad_norms / grad_norms[stations[-2]]
    gains[stations[-1]] = np.ma.masked
    return gains
