"""What detectors of dead and of saturated units have in common."""

import numpy as np

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding
from .base import Run, beyond, evidence, finding, severity_by_harm


def of_shares(
    run: Run, series: str, problem: str, threshold: Threshold, cause: Cause
) -> Finding | None:
    """A finding about the layers whose share is too large at the end.

    Args:
        run: The run.
        series: A layer series of shares between 0 and 1.
        problem: What it is when they are too large.
        threshold: From where on they are.
        cause: Why.
    """
    table = run.history.layer_table(series)
    if table is None:
        return None
    ends = np.nan_to_num(table.last)
    columns = np.flatnonzero(ends >= threshold.value)
    if not len(columns):
        return None
    worst = float(ends.max())
    layers = run.paths(columns)
    return finding(
        problem=problem,
        severity=severity_by_harm(run),
        certainty=beyond(worst, threshold.value, 0.05) * run.harm_certainty,
        step=_first_step(run, series, columns, threshold.value),
        layers=layers,
        shown_by=[evidence(series, worst, threshold)],
        cause=cause.model_copy(update={"layers": layers}),
        explanation=f"In {len(columns)} of {int((~np.isnan(table.last)).sum())} layers "
        "most of what a gradient could pass through is shut.",
    )


def _first_step(
    run: Run, series: str, columns: np.ndarray, threshold: float
) -> int | None:
    """Where the first of the layers crossed the threshold to stay; null: the start."""
    table = run.history.layer_table(series)
    assert table is not None
    blocks = table.blocks
    shares = np.where(blocks.count > 0, blocks.mean, np.nan)[:, columns]
    below = np.flatnonzero(np.nanmax(shares, axis=1, initial=-1.0) < threshold)
    below = below[np.isin(below, np.flatnonzero((blocks.count > 0).any(axis=1)))]
    if not len(below) or below[-1] + 1 >= len(blocks):
        return None
    return int(run.history.block_steps[below[-1] + 1])
