"""How far back in time gradients reach in a recurrent layer.

A gradient with respect to the layer's outputs is the direct path alone; through time it
goes to the inputs. So a random gradient is put on the last output and pulled back to
the input of every step, in one pass over a few samples, apart from the training.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .apart import apart, cotangent
from .hooks import Hook, Ledger, first_tensor, remove
from .rows import Cells
from .subject import Subject

MAX_ROWS = 8
# A pass through time is dear: after the first one, each so many samples.
EVERY_SAMPLE = 10


class TemporalWatch:
    """Hooks on the recurrent layers, at some of the sampled steps."""

    def __init__(self, subject: Subject, ledger: Ledger) -> None:
        self._layers = {
            index: layer
            for index, layer in enumerate(subject.layers)
            if isinstance(layer.module, nn.RNNBase) and not layer.is_hidden
        }
        self._ledger = ledger
        self._hooks: list[RemovableHandle] = []
        self._gains: dict[int, tuple[Tensor, int]] = {}
        self._num_samples = 0

    def attach(self) -> None:
        """Puts the hooks on, until each layer ran once; at most attachments nothing."""
        self.detach()
        self._num_samples += 1
        if self._num_samples % EVERY_SAMPLE != 1:
            return
        for index, layer in self._layers.items():
            if layer.path not in self._ledger.failures:
                hook = Hook(self._ledger, layer.path, partial(self._see, index))
                self._hooks.append(layer.module.register_forward_hook(hook))

    def detach(self) -> None:
        """Takes every hook off and forgets what was seen."""
        remove(self._hooks)
        self._gains.clear()

    def take(self) -> list[Cells]:
        """What was seen since `attach`; takes the hooks off."""
        cells = [
            Cells(name, (index,), value.reshape(1))
            for index, (gain, lag) in self._gains.items()
            for name, value in (
                ("temporal_gain", gain),
                ("temporal_lag", torch.tensor(float(lag))),
            )
        ]
        self.detach()
        return cells

    def _see(self, index: int, arguments: Any, _output: Any) -> None:
        layer = self._layers[index].module
        x = first_tensor(arguments)
        is_batch = x is not None and x.dim() == 3  # noqa: PLR2004 -- batch, time, features
        if x is None or not is_batch or index in self._gains:
            return
        assert isinstance(layer, nn.RNNBase)
        if x.shape[1 if layer.batch_first else 0] > 1:
            self._gains[index] = temporal_gain(layer, x)


def temporal_gain(layer: nn.RNNBase, x: Tensor) -> tuple[Tensor, int]:
    """What is left of a gradient at the first time step, and how far back that is.

    Args:
        layer: Its forward direction counts; hooks on it do not run.
        x: The layer's input, a batch of sequences of at least two steps.

    Returns:
        0-d gain, relative to what reaches the input of the last step, and its lag.
    """
    batch_dim, time_dim = (0, 1) if layer.batch_first else (1, 0)
    rows = min(MAX_ROWS, x.shape[batch_dim])
    x = x.detach().narrow(batch_dim, 0, rows).requires_grad_()
    with apart(layer):
        states, _ = layer.forward(x)
        last = states.select(time_dim, -1)[..., : layer.proj_size or layer.hidden_size]
        (grad,) = torch.autograd.grad(last, x, cotangent(last))
    ends = grad.select(time_dim, 0), grad.select(time_dim, -1)
    first, latest = (torch.linalg.vector_norm(g, dtype=torch.float64) for g in ends)
    return first / latest, x.shape[time_dim] - 1
