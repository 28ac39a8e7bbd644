"""Losses of predictors that learned nothing: log K of K classes."""

import numpy as np

# Of classes and vocabularies in use.
LEVELS = np.log(
    [
        *range(2, 21), 26, 27, 32, 50, 64, 65, 100, 101, 128, 200, 256, 365, 512,
        1_000, 1_024, 10_000, 30_522, 32_000, 32_768, 50_257, 50_304, 128_256, 151_936,
    ]
)  # fmt: skip
# Nearness, as a share, to one of them.
NEAR_SHARE = 0.005
# ... where nothing but the number of classes makes the loss: counts of samples that
# differ by 5 % from class to class cost half as much.
EXACT_SHARE = 0.001


def chance_near(loss: float, share: float) -> float | None:
    """The level that a loss lies at, within a share of it; null: at none."""
    nearest = float(LEVELS[np.abs(LEVELS - loss).argmin()])
    return nearest if abs(loss - nearest) < share * nearest else None
