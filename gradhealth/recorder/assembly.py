"""Turns rows into batches, on the host: layers from parameters, ratios from norms."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..batches.batch import Batch
from ..schemas.trace import Series
from .rows import (
    BACKWARD_GAIN,
    GRAD_NORM,
    UPDATE_NORM,
    WEIGHT_NORM,
    Numbers,
    Row,
    Transfer,
)
from .tables import Alike, Table

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
        scalars = defaultdict[str, Table](lambda: Table((len(rows),)))
        alike = defaultdict[tuple[str, tuple[int, ...]], Alike](Alike)
        for number, row in enumerate(rows):
            for name, mean in self._means(row, arrays).items():
                scalars[name].put(number, mean)
            for cells in row.cells:
                alike[cells.name, cells.columns].add(number, next(arrays))
        tables = self._tables(alike, len(rows))
        if GRAD_NORM in tables:
            self._doubt(tables[GRAD_NORM], np.array([row.is_exact for row in rows]))
            scalars[GRAD_NORM].fill(_totals(tables[GRAD_NORM]))
        batch = Batch(
            self._sequence,
            np.array([row.step for row in rows], np.int64),
            {name: table.series for name, table in scalars.items()},
            {name: table.series for name, table in tables.items()},
        )
        self._sequence += 1
        return batch

    def _means(self, row: Row, arrays: Iterator[Numbers]) -> dict[str, float]:
        """The row's scalars, and the steps that the scaler left out before it."""
        means: dict[str, float] = {}
        for name, values in row.scalars.items():
            known = [next(arrays)[0] if isinstance(v, Tensor) else v for v in values]
            means[name] = sum(known) / len(known)
        scale = means.get("loss_scale", np.nan)
        if scale < self._loss_scale and not self._was_skipped:
            skips = np.log(scale / self._loss_scale) / np.log(self._backoff)
            means["skipped"] = means.get("skipped", 0.0) + round(skips)
        self._loss_scale = scale
        # Fused optimizers step even then: the row itself is the one.
        self._was_skipped = "skipped" in row.scalars and means["skipped"] > 0
        return means

    def _tables(
        self, alike: dict[tuple[str, tuple[int, ...]], "Alike"], num_rows: int
    ) -> dict[str, "Table"]:
        """[T, L] by name."""
        shape = num_rows, len(self._columns)
        tables = defaultdict[str, Table](lambda: Table(shape))
        for (name, indices), found in alike.items():
            place = self._owners if name == GRAD_NORM else self._columns
            where = np.ix_(np.array(found.rows), place[list(indices)])
            if name in NORMS:
                tables[name].add_norms(where, found.values)
            else:
                tables[name].put(where, found.values)
        if BACKWARD_GAIN in tables:
            _make_relative(tables[BACKWARD_GAIN])
        if UPDATE_NORM in tables:
            tables["update_ratio"] = tables.pop(UPDATE_NORM)
            tables["update_ratio"].divide_by(tables[WEIGHT_NORM])
        return tables

    def _doubt(self, norms: "Table", is_exact: NDArray[np.bool_]) -> None:
        """Leaves out what may have underflowed in float32."""
        measured = norms.known & ~is_exact[:, None]
        is_small = norms.numbers < FLOAT32_NORM_FLOOR
        doubtful = measured & (is_small | np.isinf(norms.numbers))
        self.saw_doubtful = bool(doubtful.any())
        norms.known &= ~(measured & is_small)


def _totals(norms: Table) -> Series:
    """[T] norm of all layers together."""
    totals = np.sqrt((np.where(norms.known, norms.numbers, 0.0) ** 2).sum(axis=1))
    return np.ma.masked_array(totals, ~norms.known.any(axis=1))


def _make_relative(grad_norms: Table) -> None:
    """To the last hidden station's gradient in each row; the output has no gain."""
    for norms, known in zip(grad_norms.numbers, grad_norms.known, strict=True):
        stations = np.flatnonzero(known)
        if len(stations) < 2 or not norms[stations[-2]]:  # noqa: PLR2004 -- no measure
            known[:] = False
            continue
        norms[stations] /= norms[stations[-2]]
        known[stations[-1]] = False
