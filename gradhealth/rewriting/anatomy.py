"""What the layers of a network are to someone who wants to change it."""

from collections import Counter

from ..architecture.network import Network, Node
from ..layers.activation import Activation, Softmax
from ..layers.base import Layer
from ..layers.block import Highway, Parallel, Residual
from ..layers.conv import Conv1d, Conv2d, Conv3d, ConvTranspose2d
from ..layers.linear import Linear

WEIGHTED = (Linear, Conv1d, Conv2d, Conv3d, ConvTranspose2d)


def is_weighted(node: Node) -> bool:
    """Whether the node is a matrix or a convolution between two activations."""
    return isinstance(node.layer, WEIGHTED)


def is_activation(node: Node) -> bool:
    """Whether the node is an elementwise nonlinearity."""
    return isinstance(node.layer, Activation) and not isinstance(node.layer, Softmax)


def is_norm(node: Node) -> bool:
    """Whether the node normalises: every such layer says so in its name."""
    return "Norm" in node.layer.kind


def is_plain(network: Network) -> bool:
    """Whether the network is one sequence: no skips, gates or branches."""
    return not any(
        isinstance(node.layer, Residual | Highway | Parallel) for node in network.walk()
    )


def hidden(network: Network) -> frozenset[str]:
    """Paths of the nodes before the read-out.

    Gates (the factors of a multiplying `Parallel`) are left out: they have to stay
    between 0 and 1.
    """
    before = [
        inner for node in network.nodes[: _readout(network)] for inner in node.walk()
    ]
    gates = {
        inner.path
        for node in before
        if isinstance(node.layer, Parallel) and node.layer.merge == "mul"
        for inner in node.walk()
    }
    return frozenset(node.path for node in before) - gates


def _readout(network: Network) -> int:
    """Index of the first top-level node of the read-out."""
    stations = [i for i, node in enumerate(network.nodes) if node.layer.station]
    measured = {station.path for station in network.stations}
    behind = [i for i in stations if network.nodes[i].path not in measured]
    if behind:
        return behind[0]
    # No Linear at the end: the last convolution (or the only layer) reads out.
    if stations and is_weighted(network.nodes[stations[-1]]):
        return stations[-1]
    return len(network.nodes)


def trunk(network: Network) -> frozenset[str]:
    """Paths of the hidden nodes outside of every skip, gate and branch."""
    return hidden(network) & {node.path for node in network.nodes}


def activation_of(network: Network) -> Layer | None:
    """The hidden activation that is used most; null in a network without one."""
    paths = hidden(network)
    layers = [
        node.layer
        for node in network.walk()
        if node.path in paths and is_activation(node)
    ]
    counts = Counter(layer.kind for layer in layers)
    return max(layers, key=lambda layer: counts[layer.kind], default=None)
