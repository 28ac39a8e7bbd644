"""Rows of numbers summed up in blocks of consecutive rows, so that any length fits.

What a block keeps can be merged exactly: two neighbours give what their rows together
would have given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

# float32 for logarithms, float64 for what may be of any size.
Floats = NDArray[np.floating[Any]]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# Cells that are worked on at once: their temporary copies stay in the caches.
CELLS_AT_ONCE = 2**16


@dataclass(frozen=True, slots=True)
class Blocks:
    """[B, L] a block of rows by column.

    Statistics of size (norms) are kept as log10 of what is above 0; the others as they
    are.

    Attributes:
        count: Numbers that `mean` is of.
        zeros: Measured values without a logarithm; 0 where none is taken.
        broken: Measured values that are NaN or infinite.
        mean: 0 where nothing was measured.
        scatter: Sum of squared differences from `mean`.
        low: The smallest; infinity where nothing was measured.
        high: The largest; minus infinity where nothing was measured.
    """

    count: Floats
    zeros: Floats
    broken: Floats
    mean: Floats
    scatter: Floats
    low: Floats
    high: Floats

    def __len__(self) -> int:
        return len(self.count)

    @classmethod
    def empty(cls, num_blocks: int, num_columns: int, *, is_size: bool) -> Self:
        """Blocks in which nothing was measured."""
        shape, dtype = (num_blocks, num_columns), dtype_of(is_size=is_size)
        zero, low, high = (np.full(shape, x, dtype) for x in (0.0, np.inf, -np.inf))
        return cls(zero, zero, zero, zero, zero, low, high)

    @classmethod
    def joined(cls, parts: Sequence["Blocks"]) -> Self:
        """Blocks after each other."""
        columns = ([getattr(part, f.name) for part in parts] for f in fields(cls))
        return cls(*map(np.concatenate, columns))

    def part(self, rows: slice) -> Self:
        """Some of the blocks."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    def merged_with(self, later: "Blocks") -> Self:
        """Each block with the one at the same place (Chan, Golub & LeVeque 1983)."""
        count = self.count + later.count
        share = later.count / np.maximum(count, 1)
        apart = later.mean - self.mean
        return type(self)(
            count=count,
            zeros=self.zeros + later.zeros,
            broken=self.broken + later.broken,
            mean=self.mean + apart * share,
            scatter=self.scatter + later.scatter + apart**2 * self.count * share,
            low=np.minimum(self.low, later.low),
            high=np.maximum(self.high, later.high),
        )

    def in_pairs(self) -> Self:
        """Half as many blocks; an odd last one stays as it is."""
        even = len(self) // 2 * 2
        firsts, seconds = self.part(slice(0, even, 2)), self.part(slice(1, even, 2))
        return self.joined([firsts.merged_with(seconds), self.part(slice(even, None))])


def dtype_of(*, is_size: bool) -> type[np.floating[Any]]:
    """What numbers are kept in: a logarithm fits into less."""
    return np.float32 if is_size else np.float64


def summarise(
    values: Floats, known: BoolArray, starts: IntArray, *, is_size: bool
) -> Blocks:
    """The blocks of a table.

    Args:
        values: [T, L]
        known: [T, L] where something was measured.
        starts: [B] ascending first rows of the blocks, the first of them 0; those
            between the first and the last are equally long.
        is_size: Keep log10 of the values.
    """
    bounds = np.append(starts, len(values))
    rows_at_once = max(1, CELLS_AT_ONCE // max(1, values.shape[1]))
    parts: list[Blocks] = []
    first = 0
    while first < len(starts):
        fitting = np.searchsorted(bounds, bounds[first] + rows_at_once, "right") - 1
        last = min(max(int(fitting), first + 1), len(starts))
        rows = slice(bounds[first], bounds[last])
        local = starts[first:last] - bounds[first]
        parts.append(_summarise(values[rows], known[rows], local, is_size=is_size))
        first = last
    return Blocks.joined(parts)


def _summarise(
    values: Floats, known: BoolArray, starts: IntArray, *, is_size: bool
) -> Blocks:
    finite = known & np.isfinite(values)
    usable = finite & (values > 0) if is_size else finite
    is_whole = bool(usable.all())
    numbers = values if is_whole else np.where(usable, values, 1.0)
    if is_size:
        numbers = np.log10(numbers)
    count = _sums(usable, starts)
    some = np.maximum(count, 1)
    # 0 in place of what is not usable, so that it adds nothing.
    has_none = is_whole or is_size
    mean = _sums(numbers if has_none else np.where(usable, values, 0.0), starts) / some
    length = np.diff(np.append(starts, len(values)))
    apart = numbers - np.repeat(mean, length, axis=0)
    low = high = numbers
    if not is_whole:
        apart = np.where(usable, apart, 0.0)
        low, high = (np.where(usable, numbers, bound) for bound in (np.inf, -np.inf))
    columns = (
        count,
        _sums(finite & ~usable, starts),
        _sums(known & ~finite, starts),
        mean,
        _sums(apart * apart, starts),
        _by_block(np.minimum, low, starts),
        _by_block(np.maximum, high, starts),
    )
    dtype = dtype_of(is_size=is_size)
    return Blocks(*(column.astype(dtype) for column in columns))


def _sums(cells: NDArray[Any], starts: IntArray) -> Floats:
    # An integer sum of booleans would be eight times as wide as they are.
    return _by_block(np.add, cells, starts, np.float64)


def _by_block(
    ufunc: np.ufunc,
    cells: NDArray[Any],
    starts: IntArray,
    dtype: type[np.float64] | None = None,
) -> Floats:
    """[B, L] what `ufunc.reduceat` gives along the rows, ten times as fast."""
    if len(starts) == 1:
        return np.asarray(ufunc.reduce(cells, axis=0, keepdims=True, dtype=dtype))
    second, last, num_equal = int(starts[1]), int(starts[-1]), len(starts) - 2
    length = (last - second) // max(1, num_equal)
    equal = cells[second:last].reshape(num_equal, max(1, length), cells.shape[1])
    return np.concatenate(
        [
            ufunc.reduce(cells[:second], axis=0, keepdims=True, dtype=dtype),
            ufunc.reduce(equal, axis=1, dtype=dtype),
            ufunc.reduce(cells[last:], axis=0, keepdims=True, dtype=dtype),
        ]
    )
