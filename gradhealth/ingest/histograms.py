"""Norms from histograms: of what is in the bins, only their edges are known."""

import math
from typing import Any

import numpy as np


def is_histogram(value: Any) -> bool:
    """Whether a JSON value is one of W&B's histograms."""
    return isinstance(value, dict) and value.get("_type") == "histogram"


def norm_of_histogram(value: dict[str, Any]) -> float | None:
    """The L2 norm of what was counted, each value taken at the middle of its bin.

    Nothing is lost for normal values in 64 bins; heavy tails and single large values
    come out up to a third too large.

    Returns:
        None where there are no bins.
    """
    packed = value.get("packedBins")
    if isinstance(packed, dict):
        value = {**value, "bins": _unpacked(packed)}
    try:
        counts = np.asarray(value.get("values") or [], np.float64)
        edges = np.asarray(value.get("bins") or [], np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    if counts.ndim != 1 or not len(counts) or edges.shape != (len(counts) + 1,):
        return None
    return norm_of_bins(counts, edges[:-1], edges[1:])


def norm_of_bins(counts: Any, left: Any, right: Any) -> float:
    """The L2 norm from bins.

    Args:
        counts: [n]
        left: [n] lower edges.
        right: [n] upper edges.
    """
    with np.errstate(all="ignore"):
        return norm_of_squares(float(np.sum(counts * ((left + right) / 2) ** 2)))


def norm_of_squares(total: float) -> float:
    """The L2 norm from the sum of squares; below 0, what was counted were no counts."""
    return math.sqrt(total) if not total < 0 else 0.0


def _unpacked(packed: dict[str, Any]) -> list[float]:
    try:
        first, size = float(packed["min"]), float(packed["size"])
        count = int(packed["count"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return []
    if not 0 < count <= 2**16:
        return []
    return [first + size * index for index in range(count + 1)]
