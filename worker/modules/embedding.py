"""Learned positions."""

from typing import Self

import torch
from torch import Tensor, nn

from gradhealth.architecture.network import Node
from gradhealth.layers.base import Shape
from gradhealth.layers.embedding import PositionalEmbedding as Layer

from .base import Children, NodeModule


class PositionalEmbedding(NodeModule):
    """Adds a learned [length, features] table, N(0, std) at the start."""

    def __init__(self, shape: Shape, std: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape) * std)

    @classmethod
    def from_node(cls, node: Node, children: Children) -> Self:  # noqa: ARG003 -- a leaf
        assert isinstance(node.layer, Layer)
        return cls(node.input.dims, node.layer.std)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight
