"""How far one optimizer step moves the weights, from evenly spread pieces of them.

Every 16th cache line of a weight matrix is compared before and after the step: reading
all of it would cost a third of the step of a small network. A norm over n of the
weights has a standard error of about 1/sqrt(2n).
"""

import math
import random
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .norms import HALF, Columns, norms_of

# Floats of a cache line, and how many lines stand between two that are read.
LINE, EVERY_LINE = 16, 16
# Smaller matrices are compared whole; of others at least 1,024 weights are, which
# leaves an error of 2 %.
WHOLE_BELOW = 2**14


class UpdateMeter:
    """Compares the weight matrices of one optimizer before and after a step.

    Args:
        columns: The layers that own the matrices.
        matrices: In the same order.
    """

    def __init__(
        self, columns: Sequence[int], matrices: Sequence[nn.Parameter]
    ) -> None:
        self._columns = columns
        self._matrices = matrices
        # Its own generator: the training's must not notice.
        self._random = random.Random(0)  # noqa: S311 -- no secret
        self._groups: list[_Group] = []

    def before(self) -> list[tuple[Columns, Tensor]]:
        """Keeps what is needed; gives layers and [n] norms of their matrices."""
        offset = self._random.randrange(EVERY_LINE)
        alike: dict[tuple[Any, ...], list[int]] = {}
        for index, matrix in enumerate(self._matrices):
            # The pieces of a transposed matrix are others than of one that is not.
            key = matrix.device, matrix.dtype, matrix.shape, matrix.is_contiguous()
            alike.setdefault(key, []).append(index)
        norms: list[tuple[Columns, Tensor]] = []
        self._groups = []
        for indices in alike.values():
            layers = tuple(self._columns[index] for index in indices)
            matrices = [self._matrices[index].detach() for index in indices]
            pieces = [_pieces(matrix, offset) for matrix in matrices]
            self._groups.append(_Group(layers, pieces, matrices[0].numel()))
            norms.append((layers, _norms(matrices)))
        return norms

    def after(self) -> list[tuple[Columns, Tensor]]:
        """Layers, and [n] norms of the change of their matrices."""
        groups, self._groups = self._groups, []
        return [(group.layers, group.changes()) for group in groups]


class _Group:
    """Pieces of the same shape, of matrices of the same size, compared together."""

    def __init__(self, layers: Columns, pieces: list[Tensor], size: int) -> None:
        self.layers = layers
        self._pieces = pieces
        self._before = torch.stack(pieces)
        self._share = pieces[0].numel() / size

    def changes(self) -> Tensor:
        change = torch.stack(self._pieces).sub_(self._before).flatten(1)
        dtype = torch.float32 if change.dtype in HALF else None
        norms: Tensor = torch.linalg.vector_norm(change, dim=1, dtype=dtype)
        return norms / math.sqrt(self._share)


def _pieces(matrix: Tensor, offset: int) -> Tensor:
    """A view of every 16th line of a large matrix."""
    size = matrix.numel()
    if size < WHOLE_BELOW or not matrix.is_contiguous():
        return matrix
    stride = LINE * EVERY_LINE
    start = matrix.storage_offset() + offset * LINE
    return matrix.as_strided((size // stride, LINE), (stride, 1), start)


def _norms(tensors: list[Tensor]) -> Tensor:
    dtype = torch.float32 if tensors[0].dtype in HALF else None
    return torch.stack(norms_of(tensors, dtype))
