"""One series of a run, ready to be judged: a point for each block of steps."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Self

import numpy as np

from .blocks import BoolArray, Floats, IntArray
from .table import Table


@dataclass(frozen=True)
class Points:
    """[N] blocks of steps in which something was measured.

    Attributes:
        steps: The first step of each.
        values: Mean of the finite numbers (of log10 for norms); NaN where none was.
        low: The smallest of them.
        high: The largest.
        counts: How many there were.
        broken: How many more were NaN or infinite.
        zeros: How many more were 0, where `values` are logarithms.
        scatter: Sum of squares around `values`.
        last: The latest finite number as it was given.
    """

    steps: IntArray
    values: Floats
    low: Floats
    high: Floats
    counts: Floats
    broken: Floats
    zeros: Floats
    scatter: Floats
    last: float

    @classmethod
    def of(cls, table: Table, steps: Table) -> Self:
        """The points of a table of one column, beside that of the steps."""
        blocks = table.blocks
        seen = (blocks.count + blocks.broken + blocks.zeros)[:, 0] > 0
        count = blocks.count[seen, 0]
        return cls(
            steps=steps.blocks.low[: len(blocks)][seen, 0].astype(np.int64),
            values=np.where(count > 0, blocks.mean[seen, 0], np.nan),
            low=blocks.low[seen, 0],
            high=blocks.high[seen, 0],
            counts=count,
            broken=blocks.broken[seen, 0],
            zeros=blocks.zeros[seen, 0],
            scatter=blocks.scatter[seen, 0],
            last=float(table.last[0]),
        )

    @property
    def num_values(self) -> int:
        """Finite numbers."""
        return int(self.counts.sum())

    @cached_property
    def finite(self) -> BoolArray:
        """[N] whether there is a number."""
        return np.asarray(self.counts > 0)

    def only_finite(self) -> "Points":
        """The points that have a number."""
        keep = self.finite
        columns = {
            field.name: getattr(self, field.name)[keep]
            for field in fields(self)
            if field.name != "last"
        }
        return replace(self, **columns)
