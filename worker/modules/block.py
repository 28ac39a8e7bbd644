"""Modules made of modules: skips, gates and parallel branches."""

from collections.abc import Sequence
from functools import reduce
from operator import add, mul
from typing import Self

import torch
from torch import Tensor, nn

from gradhealth.architecture.network import Node
from gradhealth.layers import block

from .base import Children, NodeModule


class Residual(NodeModule):
    """y = post(shortcut(x) + scale * body(x)); an empty shortcut is the identity."""

    scale: float | nn.Parameter

    def __init__(
        self,
        layer: block.Residual,
        body: nn.Module,
        shortcut: nn.Module,
        post: nn.Module,
    ) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.post = post
        learn = layer.learn_scale
        self.scale = nn.Parameter(torch.tensor(layer.scale)) if learn else layer.scale

    @classmethod
    def from_node(cls, node: Node, children: Children) -> Self:
        assert isinstance(node.layer, block.Residual)
        return cls(node.layer, **children)

    def forward(self, x: Tensor) -> Tensor:
        carried, branch = self.shortcut(x), self.body(x)
        if isinstance(self.scale, nn.Parameter):
            total = carried + self.scale * branch
        else:
            total = torch.add(carried, branch, alpha=self.scale)
        output: Tensor = self.post(total)
        return output


class Highway(NodeModule):
    """t * body(x) + (1 - t) * x with t = sigmoid(gate(x))."""

    def __init__(self, width: int, gate_bias: float, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.gate = nn.Linear(width, width)
        nn.init.constant_(self.gate.bias, gate_bias)

    @classmethod
    def from_node(cls, node: Node, children: Children) -> Self:
        assert isinstance(node.layer, block.Highway)
        return cls(node.input.dims[-1], node.layer.gate_bias, children["body"])

    def forward(self, x: Tensor) -> Tensor:
        openness = torch.sigmoid(self.gate(x))
        output: Tensor = openness * self.body(x) + (1 - openness) * x
        return output


class Parallel(NodeModule):
    """The branches' outputs, added, multiplied or joined along the channels."""

    def __init__(
        self, branches: Sequence[nn.Module], merge: str, channel_axis: int
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.merge = merge
        self.channel_axis = channel_axis

    @classmethod
    def from_node(cls, node: Node, children: Children) -> Self:
        assert isinstance(node.layer, block.Parallel)
        # The signal's axes do not count the batch, torch's do.
        axis = node.output.channel_axis + 1
        return cls([*children.values()], node.layer.merge, axis)

    def forward(self, x: Tensor) -> Tensor:
        outputs = [branch(x) for branch in self.branches]
        if self.merge == "cat":
            return torch.cat(outputs, self.channel_axis)
        merged: Tensor = reduce(add if self.merge == "add" else mul, outputs)
        return merged
