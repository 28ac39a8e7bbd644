"""Watches activations and the gradients that arrive there, on sampled steps only."""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .activations import (
    is_active,
    reduce_together,
    sigmoid_flat,
    std_over_samples,
    tanh_flat,
)
from .norms import HALF
from .rows import Cells
from .subject import Subject

# Of each output, so many samples and numbers of a sample are looked at: 2,048 floats.
MAX_ROWS, MAX_FEATURES = 32, 64
# A unit is dead when it was 0 in each of the last so many sampled batches.
DEAD_WINDOW = 4
BACKWARD_GAIN = "backward_gain"


class Hook:
    """A forward hook that does not travel: in a copy of its module it is idle."""

    def __init__(self, see: Callable[[Any], None]) -> None:
        self._see = see

    def __call__(self, _module: nn.Module, _arguments: Any, output: Any) -> None:
        # A graph that is compiled now would keep the hook for ever.
        if not torch.compiler.is_compiling() and torch.is_grad_enabled():
            self._see(output)

    def __reduce__(self) -> tuple[type["IdleHook"], tuple[()]]:
        return IdleHook, ()


class IdleHook:
    """What a copy of a watched model has in place of a hook."""

    def __call__(self, _module: nn.Module, _arguments: Any, _output: Any) -> None:
        """Nothing."""


class ActivationWatch:
    """Hooks for one forward and one backward pass, time and again.

    Attributes:
        order: Layers in the order in which they were first seen to run.
        batch_size: Of the first pass that was seen; null: none was.
        seconds: Time spent inside the hooks.
    """

    def __init__(self, subject: Subject, fail: Callable[[Exception], None]) -> None:
        self._fail = fail
        self._layers = subject.layers
        self._root = subject.eager
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
        self.seconds = 0.0

    def attach(self, *, is_exact: bool) -> None:
        """Puts the hooks on, until the first whole forward pass is over.

        Args:
            is_exact: Whether norms are taken in float64.
        """
        self.detach()
        self._is_exact = is_exact
        for index, layer in enumerate(self._layers):
            if not layer.is_hidden:
                hook = Hook(partial(self._see, index))
                self._forward_hooks.append(layer.module.register_forward_hook(hook))
        if self._forward_hooks:
            end = Hook(self._end_forward)
            self._forward_hooks.append(self._root.register_forward_hook(end))

    def detach(self) -> None:
        """Takes every hook off and forgets what was seen."""
        _remove(self._forward_hooks)
        _remove(self._backward_hooks)
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

    def _see(self, index: int, output: Any) -> None:
        began = perf_counter()
        x = _tensor_in(output)
        if x is not None:
            try:
                self._see_tensor(index, x)
            except Exception as error:  # noqa: BLE001 -- the training goes on
                self._fail(error)
        self.seconds += perf_counter() - began

    def _see_tensor(self, index: int, x: Tensor) -> None:
        self.order.setdefault(index)
        if self.batch_size is None:
            self.batch_size = x.shape[0]
        layer = self._layers[index]
        if layer.unit_kind is not None:
            self._see_units(index, x.detach())
        elif layer.is_station and index not in self._samples:
            self._samples[index] = spread_sample(x.detach())
            if x.requires_grad:
                hook = x.register_hook(  # type: ignore[no-untyped-call]
                    partial(self._see_grad, index)
                )
                self._backward_hooks.append(hook)

    def _see_units(self, index: int, x: Tensor) -> None:
        if self._layers[index].unit_kind != "relu":
            self._units.setdefault(index, spread_sample(x))
        elif index not in self._dead_units:
            batches = self._active.setdefault(index, deque(maxlen=DEAD_WINDOW))
            batches.append(is_active(x[None])[0])
            self._dead_units[index] = ~torch.stack(tuple(batches)).any(0)

    def _see_grad(self, index: int, grad: Tensor) -> None:
        began = perf_counter()
        half = torch.float32 if grad.dtype in HALF else None
        dtype = torch.float64 if self._is_exact else half
        norm = torch.linalg.vector_norm(grad.detach(), dtype=dtype)
        self._grad_norms.setdefault(index, norm)
        self.seconds += perf_counter() - began

    def _end_forward(self, _output: Any) -> None:
        _remove(self._forward_hooks)


def spread_sample(x: Tensor) -> Tensor:
    """[32, 64] or fewer numbers, copied, of samples and units spread over [B, ...]."""
    num_samples = x.shape[0]
    rows = min(num_samples, MAX_ROWS)
    size = x.numel() // num_samples
    features = min(size, MAX_FEATURES)
    is_dense = x.stride(0) == size and (
        x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)
    )
    if not is_dense:
        flat = x[:: num_samples // rows][:rows].flatten(1)
        view = flat[:, :: size // features][:, :features]
    else:
        strides = size * (num_samples // rows), size // features
        view = x.as_strided((rows, features), strides, x.storage_offset())
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


def _tensor_in(output: Any) -> Tensor | None:
    """The output, or the first of several, when it is a batch of floats."""
    first = output[0] if isinstance(output, tuple | list) and output else output
    if isinstance(first, Tensor) and first.is_floating_point() and first.numel():
        return first if first.dim() > 1 else None
    return None


def _remove(handles: list[RemovableHandle]) -> None:
    for handle in handles:
        handle.remove()
    handles.clear()
