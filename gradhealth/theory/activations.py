"""Activation functions and their slopes as numpy functions of one number."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..layers import activation
from ..layers.activation import Activation

Values = NDArray[np.float64]
Function = Callable[[Values], Values]

SELU_SCALE = 1.0507009873554805  # Klambauer 2017
SELU_ALPHA = 1.6732632423543772


@dataclass(frozen=True, slots=True)
class Curve:
    """An elementwise function.

    Attributes:
        value: phi(x).
        slope: phi'(x).
        kinks: Where phi or phi' jumps.
        scale: The shortest stretch of x over which a smooth part bends.
    """

    value: Function
    slope: Function
    kinks: tuple[float, ...] = ()
    scale: float = 1.0


def _sigmoid(x: Values) -> Values:
    share: Values = np.exp(-np.logaddexp(0.0, -x))
    return share


def _bell(x: Values) -> Values:
    """Slope of the sigmoid, exact to the last digit where it is nearly flat."""
    tail: Values = np.exp(-np.abs(x))
    return tail / (1 + tail) ** 2


def _step(x: Values) -> Values:
    return np.where(x > 0, 1.0, 0.0)


IDENTITY = Curve(lambda x: x, np.ones_like)
SIGMOID = Curve(_sigmoid, _bell)
TANH = Curve(np.tanh, lambda x: 4 * _bell(2 * x))
RELU = Curve(lambda x: np.maximum(x, 0.0), _step, (0.0,))


@lru_cache(maxsize=256)
def leaky(negative_slope: float) -> Curve:
    """Gives x where it is positive, else `negative_slope` * x."""
    return Curve(
        lambda x: np.where(x > 0, x, negative_slope * x),
        lambda x: np.where(x > 0, 1.0, negative_slope),
        (0.0,),
    )


def clamp(low: float, high: float) -> Curve:
    """Keeps x between two bounds."""
    return Curve(
        lambda x: np.clip(x, low, high),
        lambda x: np.where((x > low) & (x < high), 1.0, 0.0),
        (low, high),
    )


def exponential(*, alpha: float, decay: float = 1.0, factor: float = 1.0) -> Curve:
    """Gives factor * (x where positive, else alpha * (exp(x / decay) - 1))."""

    def value(x: Values) -> Values:
        low = alpha * np.expm1(np.minimum(x, 0.0) / decay)
        return factor * np.where(x > 0, x, low)

    def slope(x: Values) -> Values:
        low = alpha / decay * np.exp(np.minimum(x, 0.0) / decay)
        return factor * np.where(x > 0, 1.0, low)

    return Curve(value, slope, (0.0,), decay)


def _silu_slope(x: Values) -> Values:
    return _sigmoid(x) * (1 + x * _sigmoid(-x))


_erf = np.frompyfunc(math.erf, 1, 1)


def _normal_share(x: Values) -> Values:
    """The normal distribution function."""
    return 0.5 + 0.5 * np.array(_erf(x / math.sqrt(2)), np.float64)


def _gelu() -> Curve:
    def slope(x: Values) -> Values:
        return _normal_share(x) + x * np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)

    return Curve(lambda x: x * _normal_share(x), slope)


def _gelu_tanh() -> Curve:
    factor, cubic = math.sqrt(2 / math.pi), 0.044715

    def gate(x: Values) -> Values:
        return _sigmoid(2 * factor * (x + cubic * x**3))

    def slope(x: Values) -> Values:
        inner = 2 * factor * (1 + 3 * cubic * x**2)
        return gate(x) + x * inner * gate(x) * (1 - gate(x))

    return Curve(lambda x: x * gate(x), slope)


def _mish() -> Curve:
    def gate(x: Values) -> Values:
        return np.tanh(np.logaddexp(0.0, x))

    def slope(x: Values) -> Values:
        return gate(x) + x * (1 - gate(x) ** 2) * _sigmoid(x)

    return Curve(lambda x: x * gate(x), slope)


def _softplus(beta: float, threshold: float) -> Curve:
    return Curve(
        lambda x: np.where(beta * x > threshold, x, np.logaddexp(0.0, beta * x) / beta),
        lambda x: np.where(beta * x > threshold, 1.0, _sigmoid(beta * x)),
        (threshold / beta,),
        1 / beta,
    )


def _softsign() -> Curve:
    return Curve(
        lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2, (0.0,)
    )


def _hardsigmoid() -> Curve:
    return Curve(
        lambda x: np.clip(x / 6 + 0.5, 0.0, 1.0),
        lambda x: np.where(np.abs(x) < 3, 1 / 6, 0.0),  # noqa: PLR2004 -- its bounds
        (-3.0, 3.0),
    )


def _hardswish() -> Curve:
    def slope(x: Values) -> Values:
        return np.where(np.abs(x) < 3, x / 3 + 0.5, np.where(x > 0, 1.0, 0.0))  # noqa: PLR2004 -- its bounds

    return Curve(lambda x: x * np.clip(x / 6 + 0.5, 0.0, 1.0), slope, (-3.0, 3.0))


CURVES: Mapping[type[Activation], Callable[[Any], Curve]] = {
    activation.ReLU: lambda _: RELU,
    activation.Sigmoid: lambda _: SIGMOID,
    activation.Tanh: lambda _: TANH,
    activation.LeakyReLU: lambda layer: leaky(layer.negative_slope),
    activation.ReLU6: lambda _: clamp(0.0, 6.0),
    activation.Hardtanh: lambda layer: clamp(layer.min_val, layer.max_val),
    activation.ELU: lambda layer: exponential(alpha=layer.alpha),
    activation.CELU: lambda layer: exponential(alpha=layer.alpha, decay=layer.alpha),
    activation.SELU: lambda _: exponential(alpha=SELU_ALPHA, factor=SELU_SCALE),
    activation.SiLU: lambda _: Curve(lambda x: x * _sigmoid(x), _silu_slope),
    activation.GELU: lambda layer: (
        _gelu_tanh() if layer.approximate == "tanh" else _gelu()
    ),
    activation.Mish: lambda _: _mish(),
    activation.Softplus: lambda layer: _softplus(layer.beta, layer.threshold),
    activation.Softsign: lambda _: _softsign(),
    activation.Hardsigmoid: lambda _: _hardsigmoid(),
    activation.Hardswish: lambda _: _hardswish(),
}


@lru_cache(maxsize=256)
def curve_of(layer: Activation) -> Curve:
    """The function of an activation in `CURVES`.

    PReLU is not there: its slopes are parameters, see `leaky`.
    """
    return CURVES[type(layer)](layer)
