"""Keeps the batches of a run in memory, thinned where they would grow without bound."""

import threading

import numpy as np
from numpy.typing import NDArray

from .batch import Batch, merged

# 128 MiB with their masks.
MAX_VALUES = 2**23


class KeptBatches:
    """Every batch so far; of a very long run, every second, fourth, ... step.

    Args:
        max_values: What is kept at most.

    Attributes:
        is_thinned: Whether steps were left out.
    """

    def __init__(self, max_values: int = MAX_VALUES) -> None:
        self._max_values = max_values
        self._batches: list[Batch] = []
        self._num_values = 0
        self._lock = threading.Lock()
        self.is_thinned = False

    def add(self, batch: Batch) -> None:
        """One more batch, of later steps."""
        with self._lock:
            self._batches.append(batch)
            self._num_values += _size(batch)
            if self._num_values > self._max_values:
                whole = merged(self._batches)
                self._batches = [_every_second(whole)]
                self._num_values = _size(self._batches[0])
                self.is_thinned = True

    def merged(self) -> Batch:
        """All that is kept, as one batch."""
        with self._lock:
            return merged(self._batches)


def _size(batch: Batch) -> int:
    groups = [*batch.series.values(), *batch.layer_series.values()]
    return sum(values.size for values in groups)


def _every_second(batch: Batch) -> Batch:
    """Steps at which everything was measured stay, unless that saves too little."""
    keep = np.arange(len(batch.steps)) % 2 == 0
    full = keep | _is_sampled(batch)
    if full.mean() < 0.75:  # noqa: PLR2004 -- a quarter less, at least
        keep = full
    return Batch(
        batch.sequence,
        batch.steps[keep],
        {name: values[keep] for name, values in batch.series.items()},
        {name: values[keep] for name, values in batch.layer_series.items()},
    )


def _is_sampled(batch: Batch) -> NDArray[np.bool_]:
    weights = batch.layer_series.get("weight_norm")
    if weights is None:
        return np.zeros(len(batch.steps), bool)
    return np.asarray(~np.ma.getmaskarray(weights).all(axis=1))
