"""The parameters that one optimizer moves, and what is measured of them."""

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .norms import GradNorms
from .rows import GRAD_NORM, UPDATE_NORM, WEIGHT_NORM, Cells, Row
from .subject import Subject
from .updates import UpdateMeter


class Optimized:
    """Measures gradients before an optimizer's step and updates around it."""

    def __init__(self, subject: Subject, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self._subject = subject
        self._num_parameters = -1
        self._norms = GradNorms([], [])
        self._updates = UpdateMeter([], [])

    def note_state(self, row: Row, scaler: torch.amp.GradScaler | None) -> None:
        """The learning rate, and the loss scale where there is one."""
        lr = self.optimizer.param_groups[0].get("lr")
        if lr is not None:
            row.put("lr", lr.detach().clone() if isinstance(lr, Tensor) else lr)
        if scaler is not None and scaler.is_enabled():
            # The public get_scale() waits for the GPU.
            scale = scaler._get_scale_async()  # noqa: SLF001
            if scale is not None:
                row.put("loss_scale", scale.clone())

    def measure_gradients(self, row: Row) -> None:
        """Norms of unscaled gradients."""
        self._refresh()
        # Fused optimizers are handed scaled gradients, and unscale them themselves.
        scale = getattr(self.optimizer, "grad_scale", None)
        for columns, norms in self._norms.measure(is_exact=row.is_exact):
            unscaled = norms if scale is None else norms / scale
            row.cells.append(Cells(GRAD_NORM, columns, unscaled))

    def note_skip(self, row: Row) -> None:
        """Whether the step was called only to do nothing: some gradient overflowed."""
        found_inf = getattr(self.optimizer, "found_inf", None)
        if found_inf is not None:
            row.put("skipped", (found_inf > 0).float())

    def before_update(self, row: Row) -> None:
        """Weight norms; remembers the weights."""
        self._refresh()
        row.cells += [Cells(WEIGHT_NORM, *pair) for pair in self._updates.before()]

    def after_update(self, row: Row) -> None:
        """Norms of what the step changed."""
        row.cells += [Cells(UPDATE_NORM, *pair) for pair in self._updates.after()]

    def _refresh(self) -> None:
        """Finds the parameters again when a group was added to the optimizer."""
        groups = self.optimizer.param_groups
        num_parameters = sum(len(group["params"]) for group in groups)
        if num_parameters == self._num_parameters:
            return
        self._num_parameters = num_parameters
        moved = {parameter for group in groups for parameter in group["params"]}
        subject = self._subject
        columns = [i for i, p in enumerate(subject.parameters) if p in moved]
        self._norms = GradNorms(columns, [subject.parameters[i] for i in columns])
        matrices = [i for i in columns if _is_matrix(subject.parameters[i])]
        self._updates = UpdateMeter(
            [subject.owners[i] for i in matrices],
            [subject.parameters[i] for i in matrices],
        )


def _is_matrix(parameter: nn.Parameter) -> bool:
    return parameter.dim() > 1 and parameter.numel() > 0
