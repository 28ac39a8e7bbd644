"""Norms of the gradients of many parameters, in one call a step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

HALF = (torch.float16, torch.bfloat16)

Columns = tuple[int, ...]


class GradNorms:
    """Measures the parameters of one optimizer.

    Args:
        columns: Their numbers among all parameters of the model.
        parameters: In the same order.
    """

    def __init__(
        self, columns: Sequence[int], parameters: Sequence[nn.Parameter]
    ) -> None:
        self._columns = columns
        self._parameters = parameters
        self._present: list[int] = []
        self._groups: list[_Group] = []

    def measure(self, *, is_exact: bool) -> list[tuple[Columns, Tensor]]:
        """Columns and [n] L2 norms of the gradients that exist, by device and type.

        Args:
            is_exact: In float64, where the squares of small numbers do not underflow;
                about ten times as slow.
        """
        grads = [parameter.grad for parameter in self._parameters]
        present = [index for index, grad in enumerate(grads) if grad is not None]
        known = [grad for grad in grads if grad is not None]
        if present != self._present:
            self._groups = self._arranged(present, known)
            self._present = present
        return [(group.columns, group.norms(known, is_exact)) for group in self._groups]

    def _arranged(self, present: list[int], grads: list[Tensor]) -> list["_Group"]:
        kinds: dict[tuple[torch.device, torch.dtype, bool], list[int]] = {}
        for index, grad in enumerate(grads):
            kind = grad.device, grad.dtype, grad.is_sparse
            kinds.setdefault(kind, []).append(index)
        return [
            _Group(
                members=indices if len(kinds) > 1 else None,
                columns=tuple(self._columns[present[index]] for index in indices),
                dtype=torch.float32 if dtype in HALF else None,
                is_sparse=is_sparse,
            )
            for (_, dtype, is_sparse), indices in kinds.items()
        ]


@dataclass(frozen=True, slots=True)
class _Group:
    """Gradients that one call can take together; members null: all of them."""

    members: list[int] | None
    columns: Columns
    dtype: torch.dtype | None
    is_sparse: bool

    def norms(self, grads: list[Tensor], is_exact: bool) -> Tensor:  # noqa: FBT001
        if self.members is not None:
            grads = [grads[index] for index in self.members]
        if self.is_sparse:
            grads = [grad.coalesce().values() for grad in grads]
        return torch.stack(norms_of(grads, torch.float64 if is_exact else self.dtype))


def norms_of(tensors: list[Tensor], dtype: torch.dtype | None = None) -> list[Tensor]:
    """0-d L2 norms of dense tensors of one device and type."""
    return list(torch._foreach_norm(tensors, 2, dtype))  # noqa: SLF001 -- one call for all
