"""Blocks of rows are what numpy makes of the same rows, wherever they are cut."""

import numpy as np
import pytest

from gradhealth.logs.histories.blocks import summarise

CHANCE = np.random.default_rng(0)
NUM_ROWS, NUM_COLUMNS = 50, 3


def rows_with_gaps():
    """Values of which some are missing, 0, NaN or infinite."""
    values = np.exp(CHANCE.standard_normal((NUM_ROWS, NUM_COLUMNS)))
    for strange in (np.nan, np.inf, 0.0):
        values[CHANCE.random(values.shape) > 0.9] = strange
    return values, CHANCE.random(values.shape) > 0.2


def rows_without():
    values = np.exp(CHANCE.standard_normal((NUM_ROWS, NUM_COLUMNS)))
    return values, np.ones(values.shape, bool)


@pytest.mark.parametrize("make", [rows_without, rows_with_gaps])
@pytest.mark.parametrize("is_size", [True, False])
@pytest.mark.parametrize(
    "starts",
    [[0], [0, 20], [0, 3, 11, 19, 27, 35, 43], range(NUM_ROWS), range(0, NUM_ROWS, 8)],
    ids=["one", "two", "begun before", "single rows", "equal"],
)
def test_blocks_are_what_their_rows_are_together(make, is_size, starts):
    values, known = make()
    starts = np.array(starts)

    blocks = summarise(values, known, starts, is_size=is_size)

    for number, rows in enumerate(np.split(np.arange(NUM_ROWS), starts[1:])):
        for column in range(NUM_COLUMNS):
            measured = values[rows, column][known[rows, column]]
            finite = measured[np.isfinite(measured)]
            usable = np.log10(finite[finite > 0]) if is_size else finite
            cell = (number, column)
            assert blocks.count[cell] == len(usable)
            assert blocks.zeros[cell] == len(finite) - len(usable)
            assert blocks.broken[cell] == len(measured) - len(finite)
            assert blocks.low[cell] == pytest.approx(min(usable, default=np.inf))
            assert blocks.high[cell] == pytest.approx(max(usable, default=-np.inf))
            mean = np.mean(usable) if len(usable) else 0.0
            assert blocks.mean[cell] == pytest.approx(mean, abs=1e-6)
            scatter = ((usable - mean) ** 2).sum()
            assert blocks.scatter[cell] == pytest.approx(scatter, abs=1e-5)


def test_many_columns_are_worked_on_in_portions_with_the_same_blocks():
    values = np.exp(CHANCE.standard_normal((40, 5000)))
    known = np.ones(values.shape, bool)
    starts = np.array([0, 3, 7, 11, 15, 19, 23, 27, 31, 35, 39])

    whole = summarise(values, known, starts, is_size=True)
    narrow = summarise(values[:, :7], known[:, :7], starts, is_size=True)

    np.testing.assert_allclose(whole.mean[:, :7], narrow.mean, rtol=1e-6)
    np.testing.assert_allclose(whole.scatter[:, :7], narrow.scatter, atol=1e-5)
