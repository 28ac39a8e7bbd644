"""Puts the values of a column at their steps."""

from dataclasses import dataclass, replace

import numpy as np

from ..schemas.trace import IntArray
from .columns import Column, Floats, Table
from .steps import Axis, choose_axis, repair


@dataclass(frozen=True, slots=True)
class Track:
    """One column in order.

    Attributes:
        steps: [N] ascending, each once.
        values: [N]
    """

    steps: IntArray
    values: Floats


class Timeline:
    """The steps of one run.

    Args:
        axis: Steps of rows; None where a table's positions are steps.
    """

    def __init__(self, axis: Axis | None) -> None:
        self._axis = axis
        self._num_replaced = self._num_moved = 0
        if axis is not None and axis.name is not None:
            self._axis = self._repaired(axis)

    @classmethod
    def of(cls, table: Table, wanted: str | None, *, by_row: bool) -> "Timeline":
        """The steps of a table.

        Args:
            table: What was logged.
            wanted: The column of steps that a user named.
            by_row: Whether positions are rows.

        Raises:
            IngestError: The wanted column does not hold steps.
        """
        if not by_row:
            return cls(None)
        return cls(choose_axis(table.columns, table.num_rows, wanted))

    @property
    def notes(self) -> list[str]:
        """What was chosen and repaired so far."""
        notes = [] if self._axis is None else [*self._axis.notes]
        if self._num_replaced:
            notes.append(
                "the steps go back and on again, as of a resumed run: "
                f"{self._num_replaced:,} entries that it repeated were replaced by the "
                "later ones"
            )
        if self._num_moved:
            notes.append(f"{self._num_moved:,} entries out of order were sorted")
        return notes

    def track(self, column: Column) -> Track:
        """A column's values by step; of several at one step the last."""
        places, values = column.arrays()
        if self._axis is None:
            places, values = self._mended(places, values)
        else:
            places = self._axis.at(places)
            values, places = values[places >= 0], places[places >= 0]
            order = np.argsort(places, kind="stable")
            places, values = places[order], values[order]
        last = np.append(places[1:] != places[:-1], True)[: len(places)]
        return Track(places[last], values[last])

    def _repaired(self, axis: Axis) -> Axis:
        mended = repair(axis.steps)
        self._num_replaced, self._num_moved = mended.num_replaced, mended.num_moved
        # Rows that were replaced must not pass for the row before them.
        steps = np.full(len(axis.steps), -1)
        steps[mended.kept] = axis.steps[mended.kept]
        return replace(axis, steps=steps)

    def _mended(self, steps: IntArray, values: Floats) -> tuple[IntArray, Floats]:
        mended = repair(steps)
        # The same steps are repeated in every column: they are told once.
        self._num_replaced = max(self._num_replaced, mended.num_replaced)
        self._num_moved = max(self._num_moved, mended.num_moved)
        return steps[mended.kept], values[mended.kept]
