"""Hooks on modules that never harm the training they look at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


@dataclass(slots=True)
class Ledger:
    """What the hooks took, and what they could not do.

    Attributes:
        seconds: Time inside them, since somebody set it to 0.
        failures: Why a layer cannot be watched, by its path.
    """

    seconds: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)

    def run(self, path: str, call: Callable[..., None], *arguments: Any) -> None:
        """Calls with the time taken; a failure is kept from the training."""
        began = perf_counter()
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001 -- an odd tensor; training goes on
            self.failures[path] = f"{type(error).__name__}: {error}"
        self.seconds += perf_counter() - began


class Hook:
    """A forward hook that does not travel: in a copy of its module it is idle.

    Args:
        see: Takes the arguments of a call and its output.
    """

    def __init__(self, ledger: Ledger, path: str, see: Callable[..., None]) -> None:
        self._ledger, self._path, self._see = ledger, path, see

    def __call__(self, _module: nn.Module, *call: Any) -> None:
        # A graph that is compiled now would keep the hook for ever.
        if not torch.compiler.is_compiling() and torch.is_grad_enabled():
            self._ledger.run(self._path, self._see, *call)

    def __reduce__(self) -> tuple[type["IdleHook"], tuple[()]]:
        return IdleHook, ()


class IdleHook:
    """What a copy of a watched model has in place of a hook."""

    def __call__(self, *_call: Any) -> None:
        """Nothing."""


def first_tensor(output: Any) -> Tensor | None:
    """The output, or the first of several, when it is a batch of floats."""
    first = output[0] if isinstance(output, tuple | list) and output else output
    if isinstance(first, Tensor) and first.is_floating_point() and first.numel():
        return first if first.dim() > 1 else None
    return None


def remove(handles: list[RemovableHandle]) -> None:
    """Takes the hooks off."""
    for handle in handles:
        handle.remove()
    handles.clear()
