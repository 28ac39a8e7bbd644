"""Independent streams of random numbers from one seed."""

from typing import Literal

import numpy as np

_STREAMS = ("data", "batches", "initialisation")


def stream(
    seed: int, name: Literal["data", "batches", "initialisation"]
) -> np.random.SeedSequence:
    """The stream's seed: what one stream draws does not move the others."""
    return np.random.SeedSequence([seed, _STREAMS.index(name)])
