"""Watches a compiled model by a pass of its own through the module inside.

Hooks do not fire in compiled code, and running a step of the training without it would
change its numbers. So the module inside is run on a few samples of the batch, apart
from the training, and a random gradient is pulled back through it.
"""

from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

from .apart import apart, cotangent, first_rows, tensors_in
from .hooks import Hook, Ledger, remove
from .subject import Subject
from .watch import MAX_ROWS, ActivationWatch


class Shadow:
    """One pass behind the first forward pass after `attach`."""

    def __init__(
        self, subject: Subject, watch: ActivationWatch, ledger: Ledger
    ) -> None:
        self._subject = subject
        self._watch = watch
        self._ledger = ledger
        self._hooks: list[RemovableHandle] = []
        self._is_exact = False

    def attach(self, *, is_exact: bool) -> None:
        """Waits for the next pass, from which it takes the inputs."""
        self.detach()
        self._is_exact = is_exact
        if "model" not in self._ledger.failures:
            hook = Hook(self._ledger, "model", self._follow)
            model = self._subject.model
            handle = model.register_forward_hook(hook, with_kwargs=True)
            self._hooks.append(handle)

    def detach(self) -> None:
        """Waits no longer."""
        remove(self._hooks)

    def _follow(self, arguments: Any, keywords: Any, _output: Any) -> None:
        remove(self._hooks)
        model = self._subject.eager
        args, kwargs = first_rows((arguments, keywords), MAX_ROWS)
        self._watch.attach(is_exact=self._is_exact, is_eager=True)
        with apart(model):
            outputs = tensors_in(model(*args, **kwargs))
            parameters = [p for p in model.parameters() if p.requires_grad]
            gradients = [cotangent(output) for output in outputs]
            torch.autograd.grad(outputs, parameters, gradients, allow_unused=True)
