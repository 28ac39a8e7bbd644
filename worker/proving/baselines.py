"""Losses of the best constant predictor: what a network that learns nothing reaches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradhealth.schemas.training import Loss

Array = NDArray[Any]
Floats = NDArray[np.float64]

NUM_BISECTIONS = 60


def trivial_loss(y: Array, loss: Loss, width: int) -> float:
    """The smallest loss of an output that is the same for every input.

    Targets that are not finite do not count.

    Args:
        y: [n] or [n, length] classes, or [n, ...] values.
        loss: The loss, "auto" resolved.
        width: Size of the output's last axis: the classes it can tell apart.
    """
    match loss:
        case "cross_entropy" | "nll_of_softmax":
            return float(_entropy(_frequencies(y, width)).sum())
        case "bce" | "bce_with_logits":
            p = _frequencies(y, width)
            return float((_entropy(p) + _entropy(1 - p)).mean())
        case "mse_onehot":
            p = _frequencies(y, width)
            return float((p * (1 - p)).mean())
        case _:
            return _of_values(y, loss)


def _frequencies(y: Array, width: int) -> Floats:
    """How often each output should be 1; a single output says "class 1"."""
    if width == 1:
        return np.array([y.mean()])
    return np.bincount(y.ravel(), minlength=width) / y.size


def _entropy(p: Floats) -> Floats:
    """-p log p, 0 where p is 0."""
    return -p * np.log(np.where(p > 0, p, 1.0))


def _of_values(y: Array, loss: Loss) -> float:
    flat = y.reshape(len(y), -1).astype(np.float64)
    flat = flat[np.isfinite(flat).all(axis=1)]
    if not len(flat):
        return float("nan")
    if loss == "mse":
        return float(flat.var(axis=0).mean())
    if loss == "mae":
        return float(np.abs(flat - np.median(flat, axis=0)).mean())
    distance = np.abs(flat - _huber_centre(flat))
    return float(np.where(distance < 1, distance**2 / 2, distance - 0.5).mean())


def _huber_centre(values: Floats) -> Floats:
    """Where the slope of the mean Huber loss, mean(clip(c - values)), is 0."""
    low, high = values.min(axis=0), values.max(axis=0)
    for _ in range(NUM_BISECTIONS):
        middle = (low + high) / 2
        rising = np.clip(middle - values, -1, 1).mean(axis=0) > 0
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
    centre: Floats = (low + high) / 2
    return centre
