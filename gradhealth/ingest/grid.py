"""Tracks of different steps side by side: one axis, and a mask for the gaps."""

from collections.abc import Sequence

import numpy as np

from ..schemas.trace import IntArray, Series
from .timeline import Track


def common_steps(tracks: Sequence[Track], max_cells: int) -> IntArray:
    """All steps of the tracks; every second, fourth, ... where they are too many.

    Args:
        tracks: At least one.
        max_cells: Steps times tracks, at most.
    """
    steps = np.unique(np.concatenate([track.steps for track in tracks]))
    most = max(1, max_cells // len(tracks))
    while len(steps) > most:
        steps = steps[::2]
    return steps


def on_steps(track: Track, steps: IntArray) -> Series:
    """[T] a track's values; between two steps the first counts, or what is not finite.

    What is not finite is rare and means more than its neighbours.
    """
    numbers, missing = np.zeros(len(steps)), np.ones(len(steps), bool)
    places = np.searchsorted(steps, track.steps, "right") - 1
    values = track.values[places >= 0]
    places = places[places >= 0]
    # Backwards, so that the first of several is the last to be written.
    for chosen in (slice(None), ~np.isfinite(values)):
        numbers[places[chosen][::-1]] = values[chosen][::-1]
    missing[places] = False
    return np.ma.masked_array(numbers, missing)
