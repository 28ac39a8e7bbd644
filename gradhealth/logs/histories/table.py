"""A statistic of any number of steps in at most so many blocks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blocks import Blocks, BoolArray, Floats, IntArray, summarise


class Table:
    """One statistic of all layers, or of the whole run as a single column.

    All blocks have the same number of rows, a power of two; when there are too many,
    neighbours become one. Rows that are added cost what they themselves need.

    Args:
        num_columns: Layers.
        max_blocks: What is kept at most.
        is_size: Keep log10 of the values.

    Attributes:
        blocks: [B, L] what was seen; the last block may still grow.
        first: [L] the first finite number of each column, as it was given; NaN before
            there is one.
        last: [L] the latest.
        first_broken: [L] row of the first value that is not finite; -1: none.
    """

    def __init__(self, num_columns: int, max_blocks: int, *, is_size: bool) -> None:
        self.blocks = Blocks.empty(0, num_columns, is_size=is_size)
        self.first = np.full(num_columns, np.nan)
        self.last = np.full(num_columns, np.nan)
        self.first_broken = np.full(num_columns, -1)
        self.is_size = is_size
        self.num_rows = 0
        self.rows_per_block = 1
        self._max_blocks = max_blocks

    def add(self, values: Floats, known: BoolArray) -> None:
        """The next rows.

        Args:
            values: [T, L]
            known: [T, L] where something was measured.
        """
        if not len(values):
            return
        self._notice(values, known)
        starts = self._make_room(len(values))
        self._append(
            summarise(values, known, starts, is_size=self.is_size), len(values)
        )

    def skip(self, num_rows: int) -> None:
        """Rows in which nothing was measured."""
        if num_rows:
            num_blocks = len(self._make_room(num_rows))
            num_columns = len(self.first)
            empty = Blocks.empty(num_blocks, num_columns, is_size=self.is_size)
            self._append(empty, num_rows)

    def arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Everything that must be kept to go on later, by name."""
        for name in Blocks.__dataclass_fields__:
            yield name, getattr(self.blocks, name)
        yield "first", self.first
        yield "last", self.last
        yield "first_broken", self.first_broken

    def _make_room(self, num_rows: int) -> IntArray:
        """Starts of the blocks of the next rows, counted from the first of them."""
        total = self.num_rows + num_rows
        while total > self._max_blocks * self.rows_per_block:
            self.blocks = self.blocks.in_pairs()
            self.rows_per_block *= 2
        ahead = -self.num_rows % self.rows_per_block
        later = np.arange(ahead, num_rows, self.rows_per_block)
        return later if not ahead else np.concatenate([[0], later])

    def _append(self, new: Blocks, num_rows: int) -> None:
        if self.num_rows % self.rows_per_block:
            # The last block was not full: the first of the new rows belong to it.
            grown = self.blocks.part(slice(-1, None)).merged_with(new.part(slice(1)))
            kept = self.blocks.part(slice(-1))
            self.blocks = Blocks.joined([kept, grown, new.part(slice(1, None))])
        else:
            self.blocks = Blocks.joined([self.blocks, new])
        self.num_rows += num_rows

    def _notice(self, values: Floats, known: BoolArray) -> None:
        finite = known & np.isfinite(values)
        columns = np.arange(values.shape[1])
        seen = finite.any(axis=0)
        is_new = seen & np.isnan(self.first)
        first = values[finite.argmax(axis=0), columns]
        self.first = np.where(is_new, first, self.first)
        latest = len(values) - 1 - finite[::-1].argmax(axis=0)
        self.last = np.where(seen, values[latest, columns], self.last)
        if finite.sum() < known.sum():
            broken = known & ~finite
            is_new = broken.any(axis=0) & (self.first_broken < 0)
            row = self.num_rows + broken.argmax(axis=0)
            self.first_broken = np.where(is_new, row, self.first_broken)
