"""Numbers about many activations at once: one call for all tensors of a shape."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

UnitKind = Literal["relu", "tanh", "sigmoid"]

TANH_SATURATED = 0.95
SIGMOID_SATURATED = 0.025
# Elements that are copied together at most: 16 MiB in float32.
MAX_STACKED = 2**22


def stds(outputs: Sequence[Tensor]) -> list[float]:
    """Standard deviation over samples of each [B, ...], RMS over its units."""
    return _reduced(outputs, _stds)


def dead_fractions(outputs: Sequence[Tensor]) -> list[float]:
    """Share of units that are 0 or less on every sample of each [B, ...]."""
    return _reduced(outputs, _dead)


def saturated_fractions(outputs: Sequence[Tensor], kind: UnitKind) -> list[float]:
    """Share of (sample, unit) pairs of each [B, ...] on a flat part."""
    return _reduced(outputs, _tanh_flat if kind == "tanh" else _sigmoid_flat)


def _reduced(
    outputs: Sequence[Tensor], reduce: Callable[[Tensor], Tensor]
) -> list[float]:
    """`reduce` takes [n, B, ...] and gives [n]; small tensors go together."""
    groups: dict[torch.Size, list[int]] = {}
    for index, output in enumerate(outputs):
        groups.setdefault(output.shape, []).append(index)
    numbers = [math.nan] * len(outputs)
    for shape, indices in groups.items():
        size = max(1, MAX_STACKED // max(1, shape.numel()))
        for start in range(0, len(indices), size):
            chunk = indices[start : start + size]
            stacked = torch.stack([outputs[index].detach() for index in chunk])
            for index, number in zip(chunk, reduce(stacked).tolist(), strict=True):
                numbers[index] = number
    return numbers


def _stds(x_NB: Tensor) -> Tensor:
    centred = (x_NB - x_NB.mean(1, keepdim=True)).flatten(1)
    norms: Tensor = torch.linalg.vector_norm(centred, dim=1)
    return norms / math.sqrt(centred.shape[1])


def _dead(x_NB: Tensor) -> Tensor:
    # The units of a sequence are its last axis; of features and images, axis 2.
    units = 3 if x_NB.dim() == 4 else 2  # noqa: PLR2004 -- [n, B, length, features]
    others = [dim for dim in range(1, x_NB.dim()) if dim != units]
    return (x_NB.amax(others) <= 0).double().mean(1)


def _tanh_flat(x_NB: Tensor) -> Tensor:
    return _share(x_NB.abs() > TANH_SATURATED)


def _sigmoid_flat(x_NB: Tensor) -> Tensor:
    return _share((x_NB - 0.5).abs() > 0.5 - SIGMOID_SATURATED)


def _share(is_flat_NB: Tensor) -> Tensor:
    is_flat = is_flat_NB.flatten(1)
    return is_flat.count_nonzero(1).double() / is_flat.shape[1]
