"""Tables of numbers with gaps, while they are being filled."""

import numpy as np

from ..schemas.trace import IntArray, Series
from .rows import Numbers


class Alike:
    """Values of the same statistic in the same places, from several rows.

    Attributes:
        rows: Numbers of those rows.
    """

    def __init__(self) -> None:
        self.rows: list[int] = []
        self._values: list[Numbers] = []

    def add(self, row: int, values: Numbers) -> None:
        """One row more."""
        self.rows.append(row)
        self._values.append(values)

    @property
    def values(self) -> Numbers:
        """[rows, columns]."""
        return np.stack(self._values)


class Table:
    """Numbers, and where there are any.

    Masked arrays would do the same, at ten times the price for small ones.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.numbers = np.zeros(shape)
        self.known = np.zeros(shape, bool)

    @property
    def series(self) -> Series:
        """The same, masked where nothing was measured."""
        return np.ma.masked_array(self.numbers, ~self.known)

    def put(self, where: int | tuple[IntArray, ...], values: Numbers | float) -> None:
        """Overwrites what is there."""
        self.numbers[where] = values
        self.known[where] = True

    def fill(self, values: Series) -> None:
        """Puts values where there were none."""
        gaps = ~self.known & ~np.ma.getmaskarray(values)
        self.put((gaps,), values.data[gaps])

    def add_norms(self, where: tuple[IntArray, ...], values: Numbers) -> None:
        """The norm of things that have norms of their own; places may repeat."""
        squares = self.numbers**2
        np.add.at(squares, where, values**2)
        self.known[where] = True
        self.numbers = np.sqrt(squares)

    def divide_by(self, other: "Table") -> None:
        """Ratios, where both are known and the other is more than 0."""
        self.known &= other.known & (other.numbers > 0)
        self.numbers[self.known] /= other.numbers[self.known]
