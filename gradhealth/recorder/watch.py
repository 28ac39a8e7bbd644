"""Watches activations and the gradients that arrive there, for one pass at a time."""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from .activations import (
    is_active,
    reduce_together,
    sigmoid_flat,
    std_over_samples,
    tanh_flat,
)
from .hooks import Hook, Ledger, first_tensor, remove
from .norms import HALF
from .rows import BACKWARD_GAIN, Cells
from .subject import Subject

# Of each output, so many samples and numbers of a sample are looked at: 2,048 floats.
MAX_ROWS, MAX_FEATURES = 32, 64
# A unit is dead when it was 0 in each of the last so many sampled batches.
DEAD_WINDOW = 4


class ActivationWatch:
    """Hooks for one forward and one backward pass, time and again.

    Attributes:
        order: Layers in the order in which they were first seen to run.
        batch_size: Of the first pass that was seen; null: none was.
    """

    def __init__(self, subject: Subject, ledger: Ledger) -> None:
        self._layers = subject.layers
        self._root = subject.eager
        self._ledger = ledger
        self._forward_hooks: list[RemovableHandle] = []
        self._backward_hooks: list[RemovableHandle] = []
        self._samples: dict[int, Tensor] = {}
        self._units: dict[int, Tensor] = {}
        self._grad_norms: dict[int, Tensor] = {}
        self._dead_units: dict[int, Tensor] = {}
        self._active: dict[int, deque[Tensor]] = {}
        self._is_exact = False
        self.order: dict[int, None] = {}
        self.batch_size: int | None = None

    def attach(self, *, is_exact: bool, is_eager: bool = False) -> None:
        """Puts the hooks on, until the first whole forward pass is over.

        Args:
            is_exact: Whether norms are taken in float64.
            is_eager: Whether compiled regions are called as they were written.
        """
        self.detach()
        self._is_exact = is_exact
        for index, layer in enumerate(self._layers):
            if layer.path in self._ledger.failures or layer.is_hidden > is_eager:
                continue
            hook = Hook(self._ledger, layer.path, partial(self._see, index))
            self._forward_hooks.append(layer.module.register_forward_hook(hook))
        if self._forward_hooks:
            end = Hook(self._ledger, "model", self._end_forward)
            self._forward_hooks.append(self._root.register_forward_hook(end))

    def detach(self) -> None:
        """Takes every hook off and forgets what was seen."""
        remove(self._forward_hooks)
        remove(self._backward_hooks)
        for seen in (self._samples, self._units, self._grad_norms, self._dead_units):
            seen.clear()

    def take(self) -> list[Cells]:
        """What was seen since `attach`; takes the hooks off."""
        cells = [
            *_reduced("forward_std", self._samples, std_over_samples),
            *_reduced("dead_fraction", self._dead_units, _share_of_true),
        ]
        for kind, share in (("tanh", tanh_flat), ("sigmoid", sigmoid_flat)):
            units = {
                index: sample
                for index, sample in self._units.items()
                if self._layers[index].unit_kind == kind
            }
            cells += _reduced("saturated_fraction", units, share)
        cells += _reduced(BACKWARD_GAIN, self._grad_norms, _same)
        self.detach()
        return cells

    def _see(self, index: int, _arguments: Any, output: Any) -> None:
        x = first_tensor(output)
        if x is None:
            return
        self.order.setdefault(index)
        if self.batch_size is None:
            self.batch_size = x.shape[0]
        layer = self._layers[index]
        if layer.unit_kind is not None:
            self._see_units(index, x.detach())
        elif layer.is_station and index not in self._samples:
            self._samples[index] = spread_sample(x.detach())
            if x.requires_grad:
                see = partial(self._ledger.run, layer.path, self._see_grad, index)
                handle = x.register_hook(see)  # type: ignore[no-untyped-call]
                self._backward_hooks.append(handle)

    def _see_units(self, index: int, x: Tensor) -> None:
        if self._layers[index].unit_kind != "relu":
            self._units.setdefault(index, spread_sample(x))
        elif index not in self._dead_units:
            batches = self._active.setdefault(index, deque(maxlen=DEAD_WINDOW))
            batches.append(is_active(x[None])[0])
            self._dead_units[index] = ~torch.stack(tuple(batches)).any(0)

    def _see_grad(self, index: int, grad: Tensor) -> None:
        half = torch.float32 if grad.dtype in HALF else None
        dtype = torch.float64 if self._is_exact else half
        norm = torch.linalg.vector_norm(grad.detach(), dtype=dtype)
        self._grad_norms.setdefault(index, norm)

    def _end_forward(self, _arguments: Any, _output: Any) -> None:
        remove(self._forward_hooks)


def spread_sample(x: Tensor) -> Tensor:
    """[32, 64] or fewer numbers, copied, of samples and units spread over [B, ...]."""
    num_samples = x.shape[0]
    rows = min(num_samples, MAX_ROWS)
    size = x.numel() // num_samples
    features = min(size, MAX_FEATURES)
    is_dense = x.stride(0) == size and (
        x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)
    )
    if is_dense:
        strides = size * (num_samples // rows), size // features
        view = x.as_strided((rows, features), strides, x.storage_offset())
    else:
        flat = x[:: num_samples // rows][:rows].flatten(1)
        view = flat[:, :: size // features][:, :features]
    return view.to(torch.promote_types(x.dtype, torch.float32), copy=True)


def _reduced(
    name: str, seen: Mapping[int, Tensor], reduce: Callable[[Tensor], Tensor]
) -> list[Cells]:
    layers = list(seen)
    return [
        Cells(name, tuple(layers[index] for index in indices), values)
        for indices, values in reduce_together(list(seen.values()), reduce)
    ]


def _share_of_true(x_NU: Tensor) -> Tensor:
    return x_NU.float().mean(1)


def _same(x_N: Tensor) -> Tensor:
    return x_N
