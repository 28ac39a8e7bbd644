"""Builds the torch model that a network describes."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from gradhealth.architecture.network import Network, Node
from gradhealth.layers.norm import FeatureNorm
from gradhealth.registry import subclasses_in

from ..modules.base import NodeModule


class Model(nn.Module):
    """The modules of a network in sequence.

    Attributes:
        modules_by_path: The module that computes each node; a composite's module
            gives the output of the whole, so that a forward hook sees what leaves
            the node.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        layers: nn.Sequential,
        modules_by_path: Mapping[str, nn.Module],
    ) -> None:
        super().__init__()
        self.layers = layers
        self.modules_by_path = modules_by_path
        self._names = {
            node.path: tuple(node.parameters) for top in nodes for node in top.walk()
        }

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.layers(x)
        return output

    def parameters_of(self, path: str) -> dict[str, nn.Parameter]:
        """The parameters of one node by torch's names, without its children's."""
        module = self.modules_by_path[path]
        return {name: module.get_parameter(name) for name in self._names[path]}


def build(network: Network, seed: int) -> Model:
    """Builds the model on the CPU in training mode, with torch's default weights.

    Seeds torch's global generator, from which the weights are drawn here and the
    masks of dropout later.
    """
    torch.manual_seed(seed)
    modules_by_path: dict[str, nn.Module] = {}
    layers = _sequence(network.nodes, modules_by_path)
    return Model(network.nodes, layers, modules_by_path)


def _sequence(
    nodes: Sequence[Node], modules_by_path: dict[str, nn.Module]
) -> nn.Sequential:
    return nn.Sequential(*(_module(node, modules_by_path) for node in nodes))


def _module(node: Node, modules_by_path: dict[str, nn.Module]) -> nn.Module:
    children = {
        slot: _sequence(nodes, modules_by_path) for slot, nodes in node.children.items()
    }
    cls = _module_class(node.layer.kind)
    if issubclass(cls, NodeModule):
        module: nn.Module = cls.from_node(node, children)
    else:
        module = cls(**_arguments(node))
    modules_by_path[node.path] = module
    return module


@cache
def _module_class(kind: str) -> type[nn.Module]:
    """The class named like the layer: ours when there is one, else torch's."""
    ours = {cls.__name__: cls for cls in subclasses_in("worker.modules", nn.Module)}
    torchs: type[nn.Module] | None = getattr(nn, kind, None)
    cls = ours.get(kind, torchs)
    assert cls is not None, f"worker/modules has no module for the layer {kind}"
    return cls


def _features(node: Node) -> int:
    return node.input.dims[-1]


def _channels(node: Node) -> int:
    return node.input.channels


def _vocab_size(node: Node) -> int | None:
    return node.input.vocab_size


def _normalized(node: Node) -> tuple[int, ...]:
    assert isinstance(node.layer, FeatureNorm)
    return node.layer.normalized(node.input)


# Arguments that may be left out because they follow from the shape before.
_SIZES: Mapping[str, Callable[[Node], Any]] = {
    "in_features": _features,
    "in_channels": _channels,
    "input_size": _channels,
    "num_features": _channels,
    "num_channels": _channels,
    "embed_dim": _channels,
    "d_model": _channels,
    "num_embeddings": _vocab_size,
    "normalized_shape": _normalized,
}


def _arguments(node: Node) -> dict[str, Any]:
    """The constructor's arguments: the layer's fields, the open sizes filled in."""
    fields = type(node.layer).model_fields.keys() - {"type"}
    arguments = {name: getattr(node.layer, name) for name in fields}
    for name in arguments.keys() & _SIZES.keys():
        if arguments[name] is None:
            arguments[name] = _SIZES[name](node)
    if "inplace" in arguments:
        # An activation that works in place overwrites the output that hooks of the
        # layer before it have seen, and which backward needs.
        arguments["inplace"] = False
    return arguments
