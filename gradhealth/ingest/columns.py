"""What was logged, as it came: sparse columns of positions and values, bounded.

A position is a row of the file, or a step where a format has one for each value.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..documents.base import quoted
from ..schemas.trace import IntArray
from .exceptions import LogTooLargeError
from .histograms import is_histogram, norm_of_histogram
from .limits import IngestLimits
from .numbers import number_of, read_text

Floats = NDArray[np.float64]
MAX_NAME = 500
# Objects and lists inside a row are written out as names with slashes, so deep.
MAX_DEPTH = 8
_PLAIN = (float, int)
TOO_LARGE = "a number too large for a float"


@dataclass
class Column:
    """The values under one name.

    Attributes:
        positions: Ascending as they came; a run that was resumed goes back.
        values: As many.
        strange: Where something else than a number first stood, or one that is too
            large, and what it is.
        is_norm: Whether the values are norms of what histograms counted.
        is_approximate: Whether those were computed from bins.
    """

    positions: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    strange: tuple[str, str] | None = None
    is_norm: bool = False
    is_approximate: bool = False

    def mark(self, place: str, what: str) -> None:
        """Keeps the first thing that is no number, for those who need the column."""
        if self.strange is None:
            self.strange = (place, what)

    def arrays(self) -> tuple[IntArray, Floats]:
        """[N] positions and values."""
        return np.array(self.positions, np.int64), np.array(self.values, np.float64)

    def thin(self, stride: int) -> None:
        """One value of each `stride` positions: the first, or one that is not finite.

        What is not finite is rare and means more than its neighbours.
        """
        positions, values = self.arrays()
        if not len(positions):
            return
        group = positions // stride
        starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        broken = ~np.isfinite(values)
        lengths = np.diff(np.r_[starts, len(group)])
        owner = np.repeat(np.arange(len(starts)), lengths)
        chosen = starts.copy()
        # Backwards, so that the first of several is the last to be written.
        places = np.flatnonzero(broken)[::-1]
        chosen[owner[places]] = places
        self.positions = array("q", positions[starts].tobytes())
        self.values = array("d", values[chosen].tobytes())


class Table:
    """One run: columns by name.

    Args:
        tables: All runs of the log, which together are bounded.

    Attributes:
        num_rows: Rows so far; unused where positions are steps.
    """

    def __init__(self, tables: "Tables") -> None:
        self._tables = tables
        self.columns: dict[str, Column] = {}
        self.num_rows = 0

    def add_row(self, row: Mapping[str, Any], place: str) -> None:
        """One more row of named values; objects in it are written out.

        Args:
            row: Numbers, texts of numbers, null; lists and objects of those.
            place: Where it stands, for errors.

        Raises:
            LogTooLargeError: Too many names.
        """
        position = self.num_rows
        self.num_rows += 1
        columns = self.columns
        for name, cell in row.items():
            value: Any = read_text(cell) if type(cell) is str else cell
            # In this order: nearly everything is a float under a known name.
            if type(value) in _PLAIN and name in columns:
                column = columns[name]
                try:
                    column.values.append(value)
                except OverflowError:
                    column.mark(place, TOO_LARGE)
                else:
                    column.positions.append(position)
            elif value is not None:
                self._add(position, name, value, place, MAX_DEPTH)
        self._tables.count(len(row))

    def add(self, position: int, name: str, value: Any, place: str = "") -> None:
        """One value."""
        column = self.columns.get(name)
        if column is not None and type(value) in _PLAIN:
            try:
                column.values.append(value)
            except OverflowError:
                column.mark(place, TOO_LARGE)
            else:
                column.positions.append(position)
        else:
            self._add(position, name, value, place, MAX_DEPTH)
        self._tables.count(1)

    def column(self, name: str) -> Column:
        """The column of a name, new when it is not there.

        Raises:
            LogTooLargeError: There are too many.
        """
        column = self.columns.get(name)
        if column is None:
            limit = self._tables.limits.columns
            if len(self.columns) >= limit:
                raise LogTooLargeError(f"more than {limit:,} different names in a run")
            column = self.columns[name] = Column()
        return column

    def _add(
        self, position: int, name: str, value: Any, place: str, depth: int
    ) -> None:
        if isinstance(value, dict | list):
            self._add_inside(position, name, value, place, depth)
            return
        column = self.column(name[:MAX_NAME])
        try:
            number = number_of(value)
        except ValueError:
            column.mark(place, f"{quoted(str(value)[:MAX_NAME])}, which is no number")
            return
        except OverflowError:
            column.mark(place, TOO_LARGE)
            return
        if number is not None:
            column.positions.append(position)
            column.values.append(number)

    def _add_inside(
        self, position: int, name: str, value: Any, place: str, depth: int
    ) -> None:
        if is_histogram(value):
            norm = norm_of_histogram(value)
            if norm is not None:
                self._add(position, name, norm, place, depth)
                column = self.column(name[:MAX_NAME])
                column.is_norm = column.is_approximate = True
            return
        if not depth:
            return
        parts: Iterable[tuple[Any, Any]] = (
            value.items() if isinstance(value, dict) else enumerate(value)
        )
        for key, child in parts:
            if child is not None:
                self._add(position, f"{name}/{key}", child, place, depth - 1)
        self._tables.count(len(value))


class Tables:
    """The runs of a log, by name.

    Args:
        limits: What they may take together.

    Attributes:
        stride: One value of so many positions was kept.
        layers: Paths by depth, where the log lists them.
        context: What it tells beside numbers by step, for the trace's context.
    """

    def __init__(self, limits: IngestLimits) -> None:
        self.limits = limits
        self.stride = 1
        self.layers: Sequence[str] = ()
        self.context: dict[str, Any] = {}
        self._tables: dict[str, Table] = {}
        self._num_values = 0

    def __iter__(self) -> Iterator[tuple[str, Table]]:
        return iter(self._tables.items())

    def __len__(self) -> int:
        return len(self._tables)

    def names(self) -> dict[str, None]:
        """Names of all columns of all runs, each once."""
        tables = self._tables.values()
        return {name: None for table in tables for name in table.columns}

    def run(self, name: str) -> Table:
        """The table of a run, new when it is not there.

        Raises:
            LogTooLargeError: There are too many runs.
        """
        table = self._tables.get(name)
        if table is None:
            if len(self._tables) >= self.limits.runs:
                raise LogTooLargeError(f"more than {self.limits.runs:,} runs")
            table = self._tables[name] = Table(self)
        return table

    def count(self, num_values: int) -> None:
        """Thins everything when there is too much of it."""
        self._num_values += num_values
        if self._num_values > self.limits.values:
            self._shrink()

    def _shrink(self) -> None:
        # To half, so that it is not done again at once.
        self._thin()
        while self._num_values > self.limits.values // 2:
            before, self.stride = self._num_values, self.stride * 2
            self._thin()
            if self._num_values == before and self.stride > 2**40:
                raise LogTooLargeError(
                    f"more than {self.limits.values:,} values that cannot be thinned"
                )

    def _thin(self) -> None:
        columns = [c for table in self._tables.values() for c in table.columns.values()]
        for column in columns if self.stride > 1 else ():
            column.thin(self.stride)
        self._num_values = sum(len(column.values) for column in columns)
