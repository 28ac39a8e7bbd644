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
    return _reduced(outputs, std_over_samples)


def dead_fractions(outputs: Sequence[Tensor]) -> list[float]:
    """Share of units that are 0 or less on every sample of each [B, ...]."""
    return _reduced(outputs, _dead)


def active_fractions(outputs: Sequence[Tensor]) -> list[float]:
    """Share of (sample, unit) pairs of each [B, ...] above 0."""
    return _reduced(outputs, _active)


def saturated_fractions(outputs: Sequence[Tensor], kind: UnitKind) -> list[float]:
    """Share of (sample, unit) pairs of each [B, ...] on a flat part."""
    return _reduced(outputs, tanh_flat if kind == "tanh" else sigmoid_flat)


def reduce_together(
    outputs: Sequence[Tensor], reduce: Callable[[Tensor], Tensor]
) -> list[tuple[list[int], Tensor]]:
    """`reduce` takes [n, B, ...] and gives [n]; small tensors of a shape go together.

    Returns:
        Indices of outputs, and their numbers, on the outputs' device.
    """
    groups: dict[tuple[torch.Size, torch.dtype, torch.device], list[int]] = {}
    for index, output in enumerate(outputs):
        key = output.shape, output.dtype, output.device
        groups.setdefault(key, []).append(index)
    reduced: list[tuple[list[int], Tensor]] = []
    for (shape, _, _), indices in groups.items():
        size = max(1, MAX_STACKED // max(1, shape.numel()))
        for start in range(0, len(indices), size):
            chunk = indices[start : start + size]
            stacked = torch.stack([outputs[index].detach() for index in chunk])
            reduced.append((chunk, reduce(stacked)))
    return reduced


def _reduced(
    outputs: Sequence[Tensor], reduce: Callable[[Tensor], Tensor]
) -> list[float]:
    numbers = [math.nan] * len(outputs)
    for indices, reduced in reduce_together(outputs, reduce):
        for index, number in zip(indices, reduced.tolist(), strict=True):
            numbers[index] = number
    return numbers


def std_over_samples(x_NB: Tensor) -> Tensor:
    """[n] standard deviation over samples of each [B, ...], RMS over its units."""
    centred = (x_NB - x_NB.mean(1, keepdim=True)).flatten(1)
    norms: Tensor = torch.linalg.vector_norm(centred, dim=1)
    return norms / math.sqrt(centred.shape[1])


def is_active(x_NB: Tensor) -> Tensor:
    """[n, units] whether each unit of [n, B, ...] is above 0 on any sample."""
    # The units of a sequence are its last axis; of features and images, axis 2.
    units = 3 if x_NB.dim() == 4 else 2  # noqa: PLR2004 -- [n, B, length, features]
    others = [dim for dim in range(1, x_NB.dim()) if dim != units]
    return x_NB.amax(others) > 0


def _dead(x_NB: Tensor) -> Tensor:
    return 1 - is_active(x_NB).double().mean(1)


def _active(x_NB: Tensor) -> Tensor:
    return _share(x_NB > 0)


def tanh_flat(x_NB: Tensor) -> Tensor:
    """[n] share of the values of each [B, ...] near -1 and 1."""
    return _share(x_NB.abs() > TANH_SATURATED)


def sigmoid_flat(x_NB: Tensor) -> Tensor:
    """[n] share of the values of each [B, ...] near 0 and 1."""
    return _share((x_NB - 0.5).abs() > 0.5 - SIGMOID_SATURATED)


def _share(is_so_NB: Tensor) -> Tensor:
    is_so = is_so_NB.flatten(1)
    return is_so.count_nonzero(1).double() / is_so.shape[1]
