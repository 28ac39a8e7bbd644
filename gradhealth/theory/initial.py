"""How parameters start: torch's defaults, overwritten by the init rules."""

from collections.abc import Sequence

from ..architecture.expansion import Node
from ..architecture.initialisation import GATES, fills, sets_gate
from ..layers.activation import PReLU
from ..layers.attention import SelfAttention, TransformerEncoderLayer
from ..layers.base import Shape
from ..layers.block import Highway, Residual
from ..layers.embedding import Embedding, PositionalEmbedding
from ..layers.linear import Scale
from ..layers.recurrent import Recurrent
from ..schemas.training import InitRule
from .laws import ONE, ZERO, Law, fan_in, filled, uniform


def law_of(
    rules: Sequence[InitRule], node: Node, parameter: str, *, gate: int | None = None
) -> Law:
    """The law of a parameter after all rules; zero when there is no such parameter.

    Args:
        rules: The spec's `init`.
        node: The layer that owns the parameter.
        parameter: torch's name of it.
        gate: Which gate's rows of a recurrent layer's bias are meant.
    """
    if parameter not in node.parameters:
        return ZERO
    shape = _block(node, node.parameters[parameter])
    law = _default(node, parameter)
    for rule in rules:
        if gate is not None and sets_gate(rule, node):
            if gate == GATES[node.layer.kind].index:
                value = rule.value if parameter.startswith("bias_ih") else 0.0
                law = Law(mean=value or 0.0)
        elif fills(rule, node, parameter):
            law = filled(rule, shape)
    return law


def _block(node: Node, shape: Shape) -> Shape:
    """The shape that a function fills at once: one gate of a recurrent weight."""
    if isinstance(node.layer, Recurrent) and len(shape) == 2:  # noqa: PLR2004 -- a matrix
        return (max(1, shape[0] // node.layer.num_gates), shape[1])
    return shape


def _default(node: Node, parameter: str) -> Law:  # noqa: C901, PLR0911 -- a table
    """What torch (and our own layers) start with."""
    layer = node.layer
    match layer:
        case Recurrent():
            return uniform(1 / layer.hidden_size)
        case Embedding():
            return Law(variance=1.0)
        case PositionalEmbedding():
            return Law(variance=layer.std**2)
        case PReLU():
            return Law(mean=layer.init)
        case Scale():
            return Law(mean=layer.value)
        case Residual():
            return Law(mean=layer.scale)
        case SelfAttention() | TransformerEncoderLayer():
            return _attention_default(node, parameter)
        case Highway() if parameter == "gate.bias":
            return Law(mean=layer.gate_bias)
    weight = node.parameters[parameter.replace("bias", "weight")]
    if node.automatic:
        return Law(variance=1 / fan_in(weight))
    if "Norm" in layer.kind:
        return ONE if parameter == "weight" else ZERO
    return uniform(1 / fan_in(weight))


def _attention_default(node: Node, parameter: str) -> Law:
    """Xavier for the fused projection, zero biases, torch's Linear for the rest."""
    name = parameter.removeprefix("self_attn.")
    if name.startswith("linear"):
        return uniform(1 / node.parameters[f"{name[:7]}.weight"][1])
    if name.startswith("norm"):
        return ONE if name.endswith("weight") else ZERO
    if name.endswith("bias"):
        return ZERO
    shape = node.parameters[parameter]
    if name == "in_proj_weight":
        return Law(variance=2 / sum(shape))
    return uniform(1 / shape[1])
