"""What a layer's module is built from, beside the constructors of torch.nn."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from gradhealth.architecture.network import Node

RANK_OF_SEQUENCES = 3  # batch, length, features

Children = Mapping[str, nn.Sequential]


class NodeModule(nn.Module):
    """A module that needs more than its layer's fields: its children, or its shape."""

    @classmethod
    @abstractmethod
    def from_node(cls, node: Node, children: Children) -> Self:
        """Builds the module.

        Args:
            node: The layer with the signals around it.
            children: The built children by slot (`body`, `branches.0`).
        """


class AlongLength(nn.Module):
    """Lets a torch class with channels at axis 1 work on [batch, length, features].

    Stands before that class among the bases; signals of other ranks pass unchanged.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != RANK_OF_SEQUENCES:
            unchanged: Tensor = super().forward(x)
            return unchanged
        x_BFL = x.mT
        if x_BFL.is_contiguous():
            # Only an axis of 1 makes it so, but with strides that are not a new
            # tensor's: on those a dilated Conv1d of torch 2.13 ends the process.
            x_BFL = x_BFL.clone(memory_format=torch.contiguous_format)
        output_BFL: Tensor = super().forward(x_BFL)
        return output_BFL.mT
