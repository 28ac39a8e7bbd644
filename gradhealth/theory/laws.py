"""The distribution of one element of a parameter, and what init functions make it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..layers.base import Shape
from ..schemas.training import InitRule

GAINS: Mapping[str, float] = {  # torch.nn.init.calculate_gain
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


@dataclass(frozen=True, slots=True)
class Law:
    """The distribution of one element of a parameter.

    Attributes:
        mean: 0 for every usual weight.
        variance: Of one element.
        identity: The factor on the identity, when the weight is one (`eye_`,
            `dirac_`): mean and variance are then 0.
        orthogonal: The rows or columns are orthogonal, so norms do not fluctuate.
        output_std: The variance is whatever gives the output this spread (LSUV).
    """

    mean: float = 0.0
    variance: float = 0.0
    identity: float = 0.0
    orthogonal: bool = False
    output_std: float = 0.0

    @property
    def square(self) -> float:
        """E[w^2]."""
        return self.mean * self.mean + self.variance

    def times(self, factor: float) -> "Law":
        """The law of `factor` times the parameter."""
        return replace(
            self,
            mean=self.mean * factor,
            variance=self.variance * factor * factor,
            identity=self.identity * factor,
            output_std=self.output_std * abs(factor),
        )


ZERO, ONE = Law(), Law(mean=1.0)


def uniform(bound_square: float) -> Law:
    """U(-b, b), given b^2."""
    return Law(variance=bound_square / 3)


def fan_in(shape: Shape) -> int:
    """The fan_in of a weight, as torch counts it."""
    return math.prod(shape[1:])


def _fan_out(shape: Shape) -> int:
    return shape[0] * math.prod(shape[2:])


def filled(rule: InitRule, shape: Shape) -> Law:
    """The law of a parameter, or a block of it, that a rule has filled."""
    if rule.fn is None:
        return Law(mean=rule.value or 0.0)
    arguments = rule.arguments()
    law = _FUNCTIONS[rule.fn](arguments, shape)
    own_gain = "gain" in arguments
    return law if own_gain or rule.gain is None else law.times(rule.gain)


def _xavier(arguments: Mapping[str, Any], shape: Shape) -> Law:
    fans = fan_in(shape) + _fan_out(shape)
    return Law(variance=2 * arguments["gain"] ** 2 / fans)


def _kaiming(arguments: Mapping[str, Any], shape: Shape) -> Law:
    fan = fan_in(shape) if arguments["mode"] == "fan_in" else _fan_out(shape)
    nonlinearity = arguments["nonlinearity"]
    if nonlinearity == "leaky_relu":
        return Law(variance=2 / (1 + arguments["a"] ** 2) / fan)
    return Law(variance=GAINS.get(nonlinearity, 1.0) ** 2 / fan)


def _orthogonal(arguments: Mapping[str, Any], shape: Shape) -> Law:
    variance = arguments["gain"] ** 2 / max(shape[0], fan_in(shape))
    return Law(variance=variance, orthogonal=True)


def _truncated(arguments: Mapping[str, Any], shape: Shape) -> Law:
    """Mean and variance of a normal cut to [a, b] (Johnson 1994, section 10.1)."""
    mean, std = arguments["mean"], arguments["std"]
    low, high = (arguments["a"] - mean) / std, (arguments["b"] - mean) / std
    mass = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2
    if mass < 1e-6:  # noqa: PLR2004 -- so narrow that the density is flat
        return _ranged(arguments, shape)
    at_low, at_high = (_density(z) / mass for z in (low, high))
    shift = at_low - at_high
    variance = 1 + low * at_low - high * at_high - shift**2
    return Law(mean=mean + std * shift, variance=max(0.0, variance) * std**2)


def _density(z: float) -> float:
    return math.exp(-min(z * z, 1400.0) / 2) / math.sqrt(2 * math.pi)


def _ranged(arguments: Mapping[str, Any], _shape: Shape) -> Law:
    low, high = arguments["a"], arguments["b"]
    return Law(mean=(low + high) / 2, variance=(high - low) ** 2 / 12)


def _sparse(arguments: Mapping[str, Any], shape: Shape) -> Law:
    kept = 1 - math.ceil(arguments["sparsity"] * shape[0]) / shape[0]
    return Law(variance=kept * arguments["std"] ** 2)


_FUNCTIONS: Mapping[str, Callable[[Mapping[str, Any], Shape], Law]] = {
    "uniform_": _ranged,
    "normal_": lambda a, _: Law(mean=a["mean"], variance=a["std"] ** 2),
    "trunc_normal_": _truncated,
    "constant_": lambda a, _: Law(mean=a["val"]),
    "ones_": lambda _a, _: ONE,
    "zeros_": lambda _a, _: ZERO,
    "eye_": lambda _a, _: Law(identity=1.0),
    "dirac_": lambda _a, _: Law(identity=1.0),
    "xavier_uniform_": _xavier,
    "xavier_normal_": _xavier,
    "kaiming_uniform_": _kaiming,
    "kaiming_normal_": _kaiming,
    "orthogonal_": _orthogonal,
    "sparse_": _sparse,
    "lecun_normal_": lambda _a, shape: Law(variance=1 / fan_in(shape)),
    "lsuv_": lambda _a, _: Law(output_std=1.0),
}
