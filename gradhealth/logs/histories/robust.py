"""Statistics of a noisy curve that single wild points do not move."""

import numpy as np

from .blocks import Floats

# Turns a median absolute deviation into a standard deviation of normal numbers.
NORMAL_MAD = 1.4826
# Share of a curve that a running median looks at, and at least this many points.
WINDOW_SHARE, MIN_WINDOW = 0.03, 5


def noise_of(values: Floats) -> float:
    """Standard deviation around the trend, from the differences of neighbours.

    A trend alters each difference by little, so it does not count as noise (von
    Neumann 1941); the median leaves jumps out.
    """
    if len(values) < 3:  # noqa: PLR2004 -- two differences
        return 0.0
    steps = np.diff(values)
    spread = np.median(np.abs(steps - np.median(steps)))
    return float(NORMAL_MAD * spread / np.sqrt(2))


def spread_of(values: Floats) -> float:
    """Standard deviation around the median, without the tails."""
    return float(NORMAL_MAD * np.median(np.abs(values - np.median(values))))


def segments(values: Floats, num_segments: int) -> Floats:
    """[K] medians of consecutive parts of equal length."""
    parts = np.array_split(values, min(num_segments, len(values)))
    return np.array([np.median(part) for part in parts])


def smooth(values: Floats) -> Floats:
    """[N] running medians; at the ends over what there is."""
    half = max(MIN_WINDOW, round(WINDOW_SHARE * len(values))) // 2
    padded = np.pad(values.astype(np.float64), half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    if half >= len(values):
        return np.full(len(values), np.median(values))
    middle = np.median(windows[half:-half], axis=1)
    ends = [np.nanmedian(windows[[*range(half), *range(-half, 0)]], axis=1)]
    return np.concatenate([ends[0][:half], middle, ends[0][half:]])


def tau(values: Floats) -> float:
    """Kendall's rank correlation with time: -1 falls at every step, 1 rises (1938)."""
    if len(values) < 2:  # noqa: PLR2004 -- one pair
        return 0.0
    rows, columns = np.triu_indices(len(values), 1)
    return float(np.mean(np.sign(values[columns] - values[rows])))


def slope(places: Floats, values: Floats) -> float:
    """Median slope over all pairs of points (Theil 1950, Sen 1968)."""
    rows, columns = np.triu_indices(len(values), 1)
    apart = places[columns] - places[rows]
    use = apart != 0
    return float(np.median((values[columns][use] - values[rows][use]) / apart[use]))


def num_legs(curve: Floats, height: float) -> int:
    """How many ups and downs of at least this height a curve is made of."""
    legs, direction = 0, 0
    low = high = float(curve[0])
    for value in curve.tolist():
        low, high = min(low, value), max(high, value)
        if direction >= 0 and value <= high - height:
            legs, direction, low = legs + 1, -1, value
        elif direction <= 0 and value >= low + height:
            legs, direction, high = legs + 1, 1, value
    return legs
