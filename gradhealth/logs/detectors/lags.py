"""Gains over time, as recorders write them: by layer, with the lag beside."""

from dataclasses import dataclass

import numpy as np

from .base import Run


@dataclass(frozen=True, slots=True)
class TemporalGain:
    """A gain of one recurrent layer at the start of the run.

    Attributes:
        decades: log10 of what is left of a gradient at the first time step.
        lag: How many steps back that is.
    """

    decades: float
    lag: float
    layer: str | None


def smallest_gain(run: Run) -> TemporalGain | None:
    """The recurrent layer with the shortest memory; null when nothing was measured."""
    return min(_gains(run), key=lambda gain: gain.decades, default=None)


def largest_gain(run: Run) -> TemporalGain | None:
    """The recurrent layer whose gradients grow most."""
    return max(_gains(run), key=lambda gain: gain.decades, default=None)


def _gains(run: Run) -> list[TemporalGain]:
    gains, lags = run.starts("temporal_gain"), run.starts("temporal_lag")
    return [
        TemporalGain(
            float(np.log10(gains[column])),
            float(lags[column]) if len(lags) else float("nan"),
            run.history.layers[column].path,
        )
        for column in np.flatnonzero(gains > 0)
    ]
