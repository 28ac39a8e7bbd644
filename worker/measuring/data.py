"""The data a network is trained on, and its batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradhealth.architecture.network import Network
from gradhealth.schemas.data import Digits

from ..proving.baselines import trivial_loss
from .seeding import stream
from .tasks import draw

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A whole data set on the CPU.

    Attributes:
        x: [n, ...] float32 inputs, or int64 tokens.
        y: [n] classes or [n, length] tokens, int64; [n, ...] float32 values.
        trivial_loss: Loss of the best constant predictor on this set.
        floor: The smallest loss that can be reached; 0 where it is not known.
    """

    x: Tensor
    y: Tensor
    trivial_loss: float
    floor: float
    kind: Literal["classes", "tokens", "values"]


def load(network: Network, seed: int) -> Dataset:
    """The data of the network's task; inline data and digits are alike at each seed."""
    # What is too large for float32 becomes an infinity, to be diagnosed.
    with np.errstate(over="ignore", invalid="ignore"):
        return _load(network, seed)


def _load(network: Network, seed: int) -> Dataset:
    goal, signal = network.goal, network.input
    samples = draw(goal.data, np.random.default_rng(stream(seed, "data")))
    x, y = samples.x, samples.y
    if not signal.is_tokens:
        x = _float32(x)
        if isinstance(goal.data, Digits):
            x = _standardized(x, axes=(0,))
        x = x.reshape(-1, *signal.dims)
        if goal.data.standardize:
            x = _standardized(x, axes=_all_but(signal.channel_axis + 1, x.ndim))
    if goal.kind == "values":
        y = _float32(y.reshape(-1, *goal.dims))
        if goal.data.standardize_target:
            y = _standardized(y, axes=(0,))
    width = network.output.dims[-1]
    return Dataset(
        x=torch.from_numpy(np.require(x, requirements=["C", "W"])),
        y=torch.from_numpy(np.require(y, requirements=["C", "W"])),
        trivial_loss=trivial_loss(y, goal.loss, width),
        floor=samples.floor,
        kind=goal.kind,
    )


def batches(
    dataset: Dataset, batch_size: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches drawn with replacement, for ever: alike for every model at a seed."""
    random = np.random.default_rng(stream(seed, "batches"))
    n = len(dataset.x)
    while True:
        chosen = torch.from_numpy(random.integers(n, size=batch_size))
        yield dataset.x[chosen], dataset.y[chosen]


def _float32(values: Array) -> NDArray[np.float32]:
    return values.astype(np.float32, copy=False)


def _all_but(axis: int, rank: int) -> tuple[int, ...]:
    return tuple(other for other in range(rank) if other != axis)


def _standardized(
    values: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    """Mean 0 and standard deviation 1 over `axes`; what does not vary becomes 0.

    Values that are not finite stay so, and count neither for mean nor deviation.
    """
    known = np.isfinite(values)
    count = known.sum(axis=axes, keepdims=True).clip(min=1)
    mean = values.sum(axis=axes, keepdims=True, where=known, dtype=np.float64) / count
    centred = values - mean
    squares = np.square(centred, where=known, out=np.zeros_like(centred))
    std = np.sqrt(squares.sum(axis=axes, keepdims=True) / count)
    return _float32(centred / np.where(std > 0, std, 1.0))
