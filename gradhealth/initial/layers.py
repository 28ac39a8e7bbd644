"""Forward and back through one layer: what torch would do in training mode."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TypeAlias

import numpy as np

from ..architecture.network import Node
from ..layers.activation import Activation, PReLU
from ..layers.base import Layer
from ..layers.block import Residual
from ..layers.linear import Dropout, Flatten, Identity, Linear, Scale
from ..layers.norm import BatchNorm1d, LayerNorm, RMSNorm
from ..schemas.training import InitRule
from ..theory.activations import CURVES, curve_of, leaky
from .exceptions import UnmeasurableError
from .parameters import draw
from .values import PullBack, Values


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass through a network.

    Attributes:
        rules: The spec's `init`.
        random: Draws the parameters.
        outputs: Filled with every layer's output, by path.
    """

    rules: Sequence[InitRule]
    random: np.random.Generator
    outputs: dict[str, Values] = field(default_factory=dict)

    def through(self, nodes: Sequence[Node], x: Values) -> tuple[Values, PullBack]:
        """The output of layers one after the other.

        Raises:
            UnmeasurableError: One of them is not known here.
        """
        pulls: list[PullBack] = []
        for node in nodes:
            x, pull = self.of(node, x)
            pulls.append(pull)
        return x, lambda grad: reduce(lambda g, pull: pull(g), reversed(pulls), grad)

    def of(self, node: Node, x: Values) -> tuple[Values, PullBack]:
        """The output of one layer, and the way back."""
        layer = node.layer
        rule = _activation if type(layer) in CURVES else _RULES.get(type(layer))
        if rule is None:
            raise UnmeasurableError(f"{layer.kind} is measured with torch only")
        output, pull = rule(node, x, self)
        self.outputs[node.path] = output
        return output, pull

    def parameter(self, node: Node, name: str) -> Values:
        """A freshly drawn parameter."""
        return draw(self.rules, node, name, self.random)


Rule: TypeAlias = Callable[[Node, Values, Pass], tuple[Values, PullBack]]


def _linear(node: Node, x: Values, run: Pass) -> tuple[Values, PullBack]:
    weight = run.parameter(node, "weight")
    return x @ weight.T + run.parameter(node, "bias"), lambda grad: grad @ weight


def _activation(node: Node, x: Values, _run: Pass) -> tuple[Values, PullBack]:
    assert isinstance(node.layer, Activation)
    curve = curve_of(node.layer)
    return curve.value(x), lambda grad: grad * curve.slope(x)


def _prelu(node: Node, x: Values, run: Pass) -> tuple[Values, PullBack]:
    slopes = run.parameter(node, "weight")
    curve = leaky(float(np.mean(slopes)))
    return curve.value(x), lambda grad: grad * curve.slope(x)


def _batch_norm(node: Node, x: Values, run: Pass) -> tuple[Values, PullBack]:
    layer = node.layer
    assert isinstance(layer, BatchNorm1d)
    # Every axis but the last, which holds the features.
    return _normalised(node, x, run, (*range(x.ndim - 1),), layer.eps)


def _layer_norm(node: Node, x: Values, run: Pass) -> tuple[Values, PullBack]:
    layer = node.layer
    assert isinstance(layer, LayerNorm)
    axes = (*range(-len(layer.normalized(node.input)), 0),)
    return _normalised(node, x, run, axes, layer.eps)


def _normalised(
    node: Node, x: Values, run: Pass, axes: tuple[int, ...], eps: float
) -> tuple[Values, PullBack]:
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    unit = (x - x.mean(axis=axes, keepdims=True)) / deviation
    has_gain = "weight" in node.parameters
    gain = run.parameter(node, "weight") if has_gain else np.ones(())
    output = unit * gain + run.parameter(node, "bias")

    def pull(grad: Values) -> Values:
        grad = grad * gain
        shift = grad.mean(axis=axes, keepdims=True)
        stretch = (grad * unit).mean(axis=axes, keepdims=True)
        return np.asarray((grad - shift - unit * stretch) / deviation)

    return output, pull


def _rms_norm(node: Node, x: Values, run: Pass) -> tuple[Values, PullBack]:
    layer = node.layer
    assert isinstance(layer, RMSNorm)
    axes = (*range(-len(layer.normalized(node.input)), 0),)
    eps = np.finfo(np.float32).eps if layer.eps is None else layer.eps
    size = np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps)
    unit = x / size
    has_gain = "weight" in node.parameters
    gain = run.parameter(node, "weight") if has_gain else np.ones(())

    def pull(grad: Values) -> Values:
        grad = grad * gain
        stretch = (grad * unit).mean(axis=axes, keepdims=True)
        return np.asarray((grad - unit * stretch) / size)

    return unit * gain, pull


def _residual(node: Node, x: Values, run: Pass) -> tuple[Values, PullBack]:
    layer = node.layer
    assert isinstance(layer, Residual)
    scale = layer.scale
    if layer.learn_scale:
        scale = float(run.parameter(node, "scale"))
    branch, from_body = run.through(node.children.get("body", ()), x)
    carried, from_shortcut = run.through(node.children.get("shortcut", ()), x)
    output, from_post = run.through(
        node.children.get("post", ()), carried + scale * branch
    )

    def pull(grad: Values) -> Values:
        grad = from_post(grad)
        return from_shortcut(grad) + from_body(scale * grad)

    return output, pull


def _dropout(node: Node, x: Values, run: Pass) -> tuple[Values, PullBack]:
    layer = node.layer
    assert isinstance(layer, Dropout)
    kept = run.random.random(x.shape) >= layer.p
    mask = kept / (1 - layer.p) if layer.p < 1 else np.zeros(x.shape)
    return x * mask, lambda grad: grad * mask


def _flatten(node: Node, x: Values, _run: Pass) -> tuple[Values, PullBack]:
    shape = x.shape
    return x.reshape(len(x), *node.output.dims), lambda grad: grad.reshape(shape)


def _identity(_node: Node, x: Values, _run: Pass) -> tuple[Values, PullBack]:
    return x, lambda grad: grad


def _scale(node: Node, x: Values, run: Pass) -> tuple[Values, PullBack]:
    layer = node.layer
    assert isinstance(layer, Scale)
    factor = float(run.parameter(node, "scale")) if layer.learn else layer.value
    return x * factor, lambda grad: grad * factor


_RULES: Mapping[type[Layer], Rule] = {
    Linear: _linear,
    PReLU: _prelu,
    BatchNorm1d: _batch_norm,
    LayerNorm: _layer_norm,
    RMSNorm: _rms_norm,
    Residual: _residual,
    Dropout: _dropout,
    Flatten: _flatten,
    Identity: _identity,
    Scale: _scale,
}
