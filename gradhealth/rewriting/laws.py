"""The law that draws the weights for an activation, in the spec and in torch."""

from collections.abc import Mapping
from typing import Any

from ..layers.activation import (
    CELU,
    ELU,
    SELU,
    Hardsigmoid,
    Hardtanh,
    LeakyReLU,
    PReLU,
    Sigmoid,
    Softplus,
    Softsign,
    Tanh,
)
from ..layers.base import Layer

# An init rule, or one without its `match`: the law alone.
Rule = dict[str, Any]

HE: Rule = {"fn": "kaiming_normal_", "nonlinearity": "relu"}
LECUN: Rule = {"fn": "lecun_normal_"}
XAVIER: Rule = {"fn": "xavier_normal_"}
ZEROS: Rule = {"fn": "zeros_"}
# Gains 1/sqrt(E[phi'(z)^2]), z ~ N(0, 1): the backward norm is kept (Poole 2016).
ELU_GAIN, SOFTPLUS_GAIN = 1.2234, 1.847
# The slope of a sigmoid at 0 is 1/4 (Glorot & Bengio 2010).
SIGMOID_GAIN = 4.0

NAMES = {"kaiming_normal_": "He", "lecun_normal_": "LeCun", "xavier_normal_": "Xavier"}


def critical_law(activation: Layer | None) -> Rule:
    """The law that keeps the gradient's size through an activation.

    He 2015 for the ReLU family, LeCun's for those that start with slope 1 around 0;
    null stands for a linear network.
    """
    match activation:
        case None | SELU() | Tanh() | Hardtanh() | Softsign():
            return LECUN
        case LeakyReLU(negative_slope=slope) | PReLU(init=slope):
            return {"fn": "kaiming_normal_", "a": slope, "nonlinearity": "leaky_relu"}
        case ELU() | CELU():
            return LECUN | {"gain": ELU_GAIN}
        case Softplus():
            return LECUN | {"gain": SOFTPLUS_GAIN}
        case Sigmoid() | Hardsigmoid():
            return XAVIER | {"gain": SIGMOID_GAIN}
        case _:
            return HE


def name_of(law: Mapping[str, Any]) -> str:
    """How people call the law, with its gain where it is not 1."""
    name = NAMES[law["fn"]]
    return f"{name} (gain {law['gain']:g})" if "gain" in law else name


def torch_of(law: Mapping[str, Any]) -> str:
    """The loop that draws a model's Linear weights by the law, biases at 0."""
    arguments = {key: value for key, value in law.items() if key != "fn"}
    if law["fn"] == "lecun_normal_":  # torch has no function for it
        std = "".join(f"{gain} * " for gain in arguments.values())
        draw = f"normal_(layer.weight, std={std}layer.in_features**-0.5)"
    else:
        written = "".join(f", {key}={value!r}" for key, value in arguments.items())
        draw = f"{law['fn']}(layer.weight{written})"
    return (
        "for layer in model.modules():\n"
        "    if isinstance(layer, nn.Linear):\n"
        f"        nn.init.{draw}\n"
        "        nn.init.zeros_(layer.bias)"
    )
