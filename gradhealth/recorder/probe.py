"""The diagnostic probe: how one forward and one backward pass treat a signal.

A random cotangent is put on the last hidden station and pulled back through the
trunk; what arrives at each station, relative to what was sent, is the backward gain
J (the RMS norm of a Jacobian-vector product). Unlike a loss gradient it depends on
nothing but the architecture and its weights: not on the loss, its scale, the labels
or how far the training has come.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .activations import (
    UnitKind,
    active_fractions,
    dead_fractions,
    saturated_fractions,
    stds,
)

__all__ = ["Probe", "Reading", "UnitKind"]

FLAT_AT_BOTH_ENDS: tuple[UnitKind, ...] = ("tanh", "sigmoid")

# Smaller gains are measured again in float64: the squares of the numbers behind them
# underflow in float32, or (temporal gains, whose squares are float64) they themselves.
TINY_GAIN, TINY_TEMPORAL_GAIN = 1e-15, 1e-30


@dataclass(frozen=True, slots=True)
class Reading:
    """What the probe saw.

    Attributes:
        backward_gain: J of each station, relative to the last; NaN where no path
            leads from the station to the last hidden one.
        forward_std: Standard deviation over samples of each station's output,
            RMS over its units.
        dead_fraction: Share of units that are 0 for every sample, by activation.
        active_fraction: Share of (sample, unit) pairs above 0, by activation that
            can be dead.
        saturated_fraction: Share of (sample, unit) pairs on a flat part, by
            activation.
        temporal_gain: [length] gradient norm at lag 1, 2, ... (lag 1 is the last
            time step) relative to lag 1; empty when nothing is recurrent.
    """

    backward_gain: list[float]
    forward_std: list[float]
    dead_fraction: dict[str, float]
    active_fraction: dict[str, float]
    saturated_fraction: dict[str, float]
    temporal_gain: list[float]


class Probe:
    """Measures a model without changing it.

    Args:
        model: Any module; hooks live only inside `read`.
        stations: Modules on the trunk, in order; the last is the last hidden one.
        units: Activations to watch, by name, and how they go flat.
        recurrent: The first recurrent module (batch first), for temporal gains.
    """

    def __init__(
        self,
        model: nn.Module,
        stations: Sequence[nn.Module],
        units: Mapping[str, tuple[nn.Module, UnitKind]],
        recurrent: nn.Module | None = None,
    ) -> None:
        self._model = model
        self._stations = list(stations)
        self._units = dict(units)
        self._recurrent = recurrent
        self._buffers = list(model.buffers())
        self._parameter = next(model.parameters(), None)

    def read(self, x: Tensor, *, seed: int = 0) -> Reading:
        """One reading on the samples `x` [B, ...], in train mode.

        Repeats itself in float64 when float32 could have underflowed; weights of
        half precision are read in float32, since the architecture is the subject.
        """
        dtype = None if self._parameter is None else self._parameter.dtype
        if dtype in (torch.float16, torch.bfloat16):
            return self._converted(torch.float32).read(_as(x, torch.float32), seed=seed)
        reading = self._read(x, seed)
        if dtype == torch.float64 or not _is_suspicious(reading):
            return reading
        return self._converted(torch.float64).read(_as(x, torch.float64), seed=seed)

    def _converted(self, dtype: torch.dtype) -> "Probe":
        """The same probe on a copy of the model in another precision."""
        watched = [*self._stations, *(module for module, _ in self._units.values())]
        watched += [self._recurrent] if self._recurrent is not None else []
        model, twins = copy.deepcopy((self._model, watched))
        model.to(dtype)
        stations = twins[: len(self._stations)]
        kinds = [(name, kind) for name, (_, kind) in self._units.items()]
        units = {
            name: (twin, kind)
            for (name, kind), twin in zip(kinds, twins[len(stations) :], strict=False)
        }
        recurrent = twins[-1] if self._recurrent is not None else None
        return Probe(model, stations, units, recurrent)

    def _read(self, x: Tensor, seed: int) -> Reading:
        with self._undisturbed(seed), torch.enable_grad():
            seen = self._forward(x)
            gain, temporal = self._pull_back(seen, seed)
        return Reading(
            backward_gain=gain,
            forward_std=stds([seen.stations[i] for i in range(len(gain))]),
            dead_fraction=self._by_name(seen, "relu", dead_fractions),
            active_fraction=self._by_name(seen, "relu", active_fractions),
            saturated_fraction={
                name: share
                for kind in FLAT_AT_BOTH_ENDS
                for name, share in self._by_name(
                    seen, kind, partial(saturated_fractions, kind=kind)
                ).items()
            },
            temporal_gain=temporal,
        )

    def _by_name(
        self,
        seen: "_Seen",
        kind: UnitKind,
        measure: Callable[[Sequence[Tensor]], list[float]],
    ) -> dict[str, float]:
        """A number for each activation of the kind."""
        names = [name for name, (_, its) in self._units.items() if its == kind]
        return dict(zip(names, measure([seen.units[n] for n in names]), strict=True))

    def _forward(self, x: Tensor) -> "_Seen":
        seen = _Seen({}, {}, None)
        handles = [
            _keep_output(module, partial(seen.stations.__setitem__, index))
            for index, module in enumerate(self._stations)
        ]
        handles += [
            _keep_output(module, partial(seen.units.__setitem__, name))
            for name, (module, _) in self._units.items()
        ]
        if self._recurrent is not None:
            handles.append(self._recurrent.register_forward_pre_hook(seen.keep_input))
        try:
            # A graph is needed from the input on: temporal gains end there.
            self._model(x.detach().requires_grad_() if x.is_floating_point() else x)
        finally:
            for handle in handles:
                handle.remove()
        return seen

    @contextmanager
    def _undisturbed(self, seed: int) -> Iterator[None]:
        """Train mode with seeded dropout, leaving model and generators alone."""
        model, parameter = self._model, self._parameter
        before = [buffer.clone() for buffer in self._buffers]
        was_training = model.training
        gpus = [parameter.device] if parameter is not None and parameter.is_cuda else []
        with torch.random.fork_rng(devices=gpus):
            # torch.manual_seed would queue a call for every kind of device, each time.
            torch.default_generator.manual_seed(seed)
            if gpus:
                torch.cuda.manual_seed(seed)
            if not was_training:
                model.train()
            try:
                yield
            finally:
                if not was_training:
                    model.eval()
                for buffer, value in zip(self._buffers, before, strict=True):
                    buffer.copy_(value)

    def _pull_back(self, seen: "_Seen", seed: int) -> tuple[list[float], list[float]]:
        """Backward gains of the stations, and temporal gains by lag."""
        if not self._stations:
            return [], []
        *trunk, last = [seen.stations[i] for i in range(len(self._stations))]
        cotangent = _cotangent(last, seed)
        *grads, grad_BTF = _gradients(last, [*trunk, seen.recurrent_input], cotangent)
        sent = _norms([cotangent])[0]
        gains = [norm / sent for norm in _norms(grads)]
        return [*gains, 1.0], _temporal(grad_BTF)


@dataclass(slots=True)
class _Seen:
    """Outputs caught by the hooks of one forward pass."""

    stations: dict[int, Tensor]
    units: dict[str, Tensor]
    recurrent_input: Tensor | None

    def keep_input(self, _module: nn.Module, arguments: tuple[Any, ...]) -> None:
        self.recurrent_input = arguments[0]


def _gradients(
    output: Tensor, inputs: Sequence[Tensor | None], cotangent: Tensor
) -> list[Tensor | None]:
    """Vector-Jacobian products; None where no differentiable path leads."""
    wanted = [
        tensor for tensor in inputs if tensor is not None and tensor.requires_grad
    ]
    if not wanted or not output.requires_grad:
        return [None] * len(inputs)
    grads = iter(torch.autograd.grad(output, wanted, cotangent, allow_unused=True))
    return [
        next(grads) if tensor is not None and tensor.requires_grad else None
        for tensor in inputs
    ]


def _keep_output(module: nn.Module, keep: Callable[[Tensor], None]) -> RemovableHandle:
    def caught(_module: nn.Module, _arguments: Any, output: Tensor) -> None:
        keep(output)

    return module.register_forward_hook(caught)


def _cotangent(output: Tensor, seed: int) -> Tensor:
    """N(0, 1) in the shape of `output`; of a sequence only at the last time step."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(output.shape, generator=generator).to(output)
    if output.dim() == 3:  # noqa: PLR2004 -- [batch, length, features]
        drawn[:, :-1] = 0
    return drawn


def _norms(tensors: Sequence[Tensor | None]) -> list[float]:
    """Frobenius norms: sqrt(B) times the RMS of the per-sample norms."""
    present = [tensor for tensor in tensors if tensor is not None]
    if not present:
        return [math.nan] * len(tensors)
    norms = iter(torch.stack(torch._foreach_norm(present)).tolist())  # noqa: SLF001 -- one call for all
    return [math.nan if tensor is None else next(norms) for tensor in tensors]


def _temporal(grad_BTF: Tensor | None) -> list[float]:  # batch, time, features
    if grad_BTF is None:
        return []
    norms = torch.linalg.vector_norm(grad_BTF, dim=(0, 2), dtype=torch.float64)
    backwards = norms.flip(0)
    return [float(norm) for norm in backwards / backwards[0]]


def _is_suspicious(reading: Reading) -> bool:
    return not (
        all(TINY_GAIN <= gain < math.inf for gain in reading.backward_gain)
        and all(TINY_TEMPORAL_GAIN <= g < math.inf for g in reading.temporal_gain)
    )


def _as(x: Tensor, dtype: torch.dtype) -> Tensor:
    return x.to(dtype) if x.is_floating_point() else x
