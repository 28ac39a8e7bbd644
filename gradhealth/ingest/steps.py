"""The axis of steps: which column it is, and what a resumed run repeats."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..schemas.trace import IntArray
from .columns import Column, Floats
from .exceptions import IngestError
from .naming import step_rank

# A column of steps has one in at least this share of the rows, and at least this share
# of the steps that the finest has.
MIN_SHARE = 0.5
MAX_STEP = 2.0**53
# A resumed run goes back once in a while; rows of which more than this share go back
# were written in another order than the run's, such as newest first.
UNORDERED_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Axis:
    """The step of each row.

    Attributes:
        rows: [N] ascending rows that have a step.
        steps: [N]
        name: The column it was read from; null where rows were counted.
        notes: What was chosen or repaired.
    """

    rows: IntArray
    steps: IntArray
    name: str | None
    notes: tuple[str, ...] = ()

    @property
    def num_steps(self) -> int:
        """How many different steps there are."""
        return len(np.unique(self.steps))

    def at(self, rows: IntArray) -> IntArray:
        """Steps of rows; a row without one has that of the row before."""
        if self.name is None:
            return rows
        places = np.searchsorted(self.rows, rows, "right") - 1
        return self.steps[np.maximum(places, 0)]


def choose_axis(
    columns: Mapping[str, Column], num_rows: int, wanted: str | None
) -> Axis:
    """The steps of a table of rows.

    Args:
        columns: By name.
        num_rows: How many rows there are.
        wanted: The column that a user named.

    Raises:
        IngestError: The wanted column does not hold steps.
    """
    if wanted is not None:
        axis = _axis(wanted, columns[wanted])
        if axis is None:
            raise IngestError(f"{wanted!r} holds no steps: whole numbers from 0")
        return axis
    candidates = _candidates(columns)
    # Counters that begin again each epoch give way to one that does not, and those that
    # go back now and then to one that never does, unless it counts epochs.
    running = [axis for axis in candidates if not begins_again(axis.steps)]
    finest = max((axis.num_steps for axis in running), default=0)
    for axis in running:
        goes_back = (np.diff(axis.steps) < 0).any()
        if not goes_back and axis.num_steps >= MIN_SHARE * finest:
            return axis
    if running:
        return running[0]
    rows = np.arange(num_rows)
    if candidates:
        note = f"{candidates[0].name} begins again and again: the rows were counted"
        return Axis(rows, rows, None, (note,))
    return Axis(rows, rows, None, ("no column of steps: the rows were counted",))


def _candidates(columns: Mapping[str, Column]) -> list[Axis]:
    ranked = sorted(
        (rank, name)
        for name in columns
        if (rank := step_rank(name)) is not None and columns[name].strange is None
    )
    longest = max((len(columns[name].values) for _, name in ranked), default=0)
    return [
        axis
        for _, name in ranked
        if len(columns[name].values) >= MIN_SHARE * longest
        and (axis := _axis(name, columns[name])) is not None
    ]


def _axis(name: str, column: Column) -> Axis | None:
    rows, values = column.arrays()
    if not len(values) or not _are_steps(values):
        return None
    return Axis(rows, values.astype(np.int64), name)


def _are_steps(values: Floats) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(
            np.isfinite(values).all()
            and (values == np.rint(values)).all()
            and (values >= 0).all()
            and (values <= MAX_STEP).all()
        )


def begins_again(steps: IntArray) -> bool:
    """Whether a counter returns to its beginning more than once, as each epoch does."""
    if _is_unordered(steps):
        return False
    drops = np.flatnonzero(np.diff(steps) < 0) + 1
    gap = int(np.median(np.abs(np.diff(steps)))) if len(steps) > 1 else 0
    return int((steps[drops] <= steps[0] + gap).sum()) > 1


def _is_unordered(steps: IntArray) -> bool:
    """Whether every step is there once, and many of them after a later one."""
    different = steps[np.append(True, np.diff(steps) != 0)[: len(steps)]]
    num_drops = (np.diff(different) < 0).sum()
    is_each_once = len(np.unique(different)) == len(different)
    return bool(is_each_once and num_drops > UNORDERED_SHARE * len(different))


@dataclass(frozen=True, slots=True)
class Repair:
    """What is left of steps that went back.

    Attributes:
        kept: Places that count, by ascending step, then as they came.
        num_replaced: Values that were logged again after the run went back.
        num_moved: Values that came late, or in no order.
    """

    kept: IntArray
    num_replaced: int = 0
    num_moved: int = 0


def repair(steps: IntArray) -> Repair:
    """Steps in order: a run that went back and on again replaces what it repeats.

    A run resumed from a checkpoint goes back; what it had logged from there on belongs
    to weights that no longer exist. A single step that comes late, and was not there
    before, is put in its place. Where each step is there once and many go back, the
    rows were in another order than the run's, such as newest first: they are sorted.
    """
    every = np.arange(len(steps))
    if _is_unordered(steps):
        order = np.argsort(steps, kind="stable")
        return Repair(order, num_moved=int((order != every).sum()))
    drops = np.flatnonzero(np.diff(steps) < 0) + 1
    if not len(drops):
        return Repair(every)
    highest = np.maximum.accumulate(steps)
    following = np.append(steps, np.iinfo(np.int64).max)[drops + 1]
    first_seen = np.unique(steps, return_index=True)
    firsts = first_seen[1][np.searchsorted(first_seen[0], steps[drops])]
    is_late = (following > highest[drops - 1]) & (firsts == drops)
    back = drops[~is_late]
    # What comes before a return to a step, and is not below it, is gone.
    bound = np.full(len(steps) + 1, np.iinfo(np.int64).max)
    bound[back] = steps[back]
    lowest_after = np.minimum.accumulate(bound[::-1])[::-1][1:]
    alive = every[steps < lowest_after]
    order = np.argsort(steps[alive], kind="stable")
    return Repair(alive[order], len(steps) - len(alive), int(is_late.sum()))
