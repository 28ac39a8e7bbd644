"""Runs parts of a model apart from its training, which does not notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def apart(module: nn.Module) -> Iterator[None]:
    """Gradients on; random numbers and the module's buffers as if nothing happened."""
    buffers = list(module.buffers())
    tensors = [*module.parameters(), *buffers]
    gpus = sorted({t.get_device() for t in tensors if t.is_cuda})
    before = [buffer.clone() for buffer in buffers]
    with torch.random.fork_rng(devices=gpus), torch.enable_grad():
        try:
            yield
        finally:
            for buffer, value in zip(buffers, before, strict=True):
                # Not by buffer.copy_(): the training's graph may have kept the buffer,
                # and would refuse to go back through one that was written to.
                buffer.data.copy_(value)


def cotangent(output: Tensor) -> Tensor:
    """N(0, 1) in the shape of `output`, from a generator of its own."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(output.shape, generator=generator).to(output)


def first_rows(value: Any, num_rows: int) -> Any:
    """Arguments of a model for the first samples of a batch only.

    Args:
        value: Tensors, and lists, tuples and dictionaries of them.
        num_rows: Samples that are wanted.
    """
    batch_size = next((len(t) for t in _tensors(value) if t.dim()), 0)
    return _cut(value, batch_size, num_rows)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def tensors_in(value: Any) -> list[Tensor]:
    """Tensors in an output that gradients can be sent into."""
    if isinstance(value, dict):
        value = dict(value)
    return [t for t in _tensors(value) if t.is_floating_point() and t.requires_grad]


def _cut(value: Any, batch_size: int, num_rows: int) -> Any:
    if isinstance(value, Tensor):
        has_batch = value.dim() and len(value) == batch_size
        return value.detach()[:num_rows] if has_batch else value.detach()
    if isinstance(value, list | tuple):
        return type(value)(_cut(item, batch_size, num_rows) for item in value)
    if isinstance(value, dict):
        return {key: _cut(item, batch_size, num_rows) for key, item in value.items()}
    return value
