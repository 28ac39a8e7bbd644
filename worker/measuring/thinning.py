"""Few points of a long series, for pictures of trials."""

import math
from collections.abc import Sequence

MAX_POINTS = 50


def thinned(losses: Sequence[float]) -> list[tuple[int, float | None]]:
    """Step and mean loss of at most 50 equal parts; null where not finite.

    The same number of losses gives the same steps, so that runs can be averaged.
    """
    width = -(-len(losses) // MAX_POINTS) or 1
    parts = [losses[start : start + width] for start in range(0, len(losses), width)]
    means = [math.fsum(part) / len(part) for part in parts]
    return [
        (index * width, mean if math.isfinite(mean) else None)
        for index, mean in enumerate(means)
    ]
