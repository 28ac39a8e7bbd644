"""Thins a statistic of every layer and step to what a picture can show."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .schemas.curve import LayerCurve
from .schemas.trace import IntArray, Series, Trace

# About 7,000 cells at most: more could not be told apart on a page.
MAX_STEPS, MAX_LAYERS = 60, 120


def layer_curve(traces: Sequence[Trace], name: str) -> LayerCurve | None:
    """The geometric mean over seeds and neighbouring steps.

    A cell in which anything was NaN or infinite says so: a mean would hide it.

    Args:
        traces: Runs of the same network.
        name: A layer series.

    Returns:
        At most 60 steps and 120 layers (every k-th); null where nothing was measured.
    """
    tables = [t.layer_series[name] for t in traces if name in t.layer_series]
    if not tables:
        return None
    longest = max(traces, key=lambda trace: len(trace.steps))
    columns = _measured_columns(tables)
    columns = columns[:: -(-len(columns) // MAX_LAYERS) or 1]
    bins = np.array_split(np.arange(len(longest.steps)), MAX_STEPS)
    cells = {
        int(longest.steps[rows[0]]): _means(tables, rows, columns)
        for rows in bins
        if len(rows)
    }
    measured = {
        step: row
        for step, row in cells.items()
        if any(value is not None for value in row)
    }
    if not measured or longest.layers is None:
        return None
    return LayerCurve(
        steps=list(measured),
        layers=[longest.layers[column].path for column in columns],
        mean=list(measured.values()),
    )


def _measured_columns(tables: Sequence[Series]) -> IntArray:
    """The layers that have a value in any run."""
    known = [~np.ma.getmaskarray(table).all(axis=0) for table in tables]
    return np.flatnonzero(np.logical_or.reduce(known)) if known else np.zeros(0, int)


def _means(
    tables: Sequence[Series], rows: IntArray, columns: IntArray
) -> list[float | None]:
    parts = [table[rows[rows < len(table)]][:, columns] for table in tables]
    values = np.concatenate([np.ma.filled(part, 0.0) for part in parts])
    known = ~np.concatenate([np.ma.getmaskarray(part) for part in parts])
    return [_mean(column[mask]) for column, mask in zip(values.T, known.T, strict=True)]


def _mean(values: NDArray[np.float64]) -> float | None:
    """To 3 digits: a colour shows no more."""
    if not len(values):
        return None
    if not np.isfinite(values).all():
        return float(values[~np.isfinite(values)][0])
    positive = values[values > 0]
    if not len(positive):
        return 0.0
    return float(f"{math.exp(np.log(positive).mean()):.3g}")
