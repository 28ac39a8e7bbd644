"""Activations: they keep the shape."""

from typing import Annotated, Literal

from pydantic import Field

from .base import Layer, Shape, ShapeError, Signal, Size


class Activation(Layer):
    """A function applied to every element."""

    def output(self, signal: Signal) -> Signal:
        if signal.is_tokens:
            raise ShapeError(
                f"{self.kind} cannot take {signal}: put an Embedding before it"
            )
        return signal


class _Inplace(Activation):
    inplace: bool = False


class ReLU(_Inplace):
    """max(0, x)."""

    type: Literal["ReLU"] = "ReLU"


class ReLU6(_Inplace):
    """min(max(0, x), 6)."""

    type: Literal["ReLU6"] = "ReLU6"


class LeakyReLU(_Inplace):
    """x where positive, else negative_slope * x (Maas 2013)."""

    type: Literal["LeakyReLU"] = "LeakyReLU"
    negative_slope: float = 0.01


class PReLU(Activation):
    """LeakyReLU with a learned slope (He 2015)."""

    type: Literal["PReLU"] = "PReLU"
    num_parameters: Size = 1
    init: float = 0.25

    def output(self, signal: Signal) -> Signal:
        signal = super().output(signal)
        if self.num_parameters not in (1, signal.channels):
            raise ShapeError(
                f"num_parameters {self.num_parameters} must be 1 or "
                f"{signal.channels}, the channels of {signal}",
                "num_parameters",
            )
        return signal

    def parameters(self, signal: Signal) -> dict[str, Shape]:  # noqa: ARG002 -- own size
        return {"weight": (self.num_parameters,)}


class ELU(_Inplace):
    """x where positive, else alpha * (exp(x) - 1) (Clevert 2016)."""

    type: Literal["ELU"] = "ELU"
    alpha: float = 1.0


class SELU(_Inplace):
    """The ELU whose fixed point is mean 0, variance 1 (Klambauer 2017)."""

    type: Literal["SELU"] = "SELU"


class CELU(_Inplace):
    """The ELU that stays differentiable for every alpha (Barron 2017)."""

    type: Literal["CELU"] = "CELU"
    alpha: Annotated[float, Field(gt=0)] = 1.0


class SiLU(_Inplace):
    """x * sigmoid(x), also known as Swish (Ramachandran 2017)."""

    type: Literal["SiLU", "Swish"] = "SiLU"


class GELU(Activation):
    """x times the normal distribution function of x (Hendrycks & Gimpel 2016)."""

    type: Literal["GELU"] = "GELU"
    approximate: Literal["none", "tanh"] = "none"


class Mish(_Inplace):
    """x * tanh(softplus(x)) (Misra 2019)."""

    type: Literal["Mish"] = "Mish"


class Softplus(Activation):
    """log(1 + exp(beta x)) / beta."""

    type: Literal["Softplus"] = "Softplus"
    beta: Annotated[float, Field(gt=0)] = 1.0
    threshold: float = 20.0


class Softsign(Activation):
    """x / (1 + |x|)."""

    type: Literal["Softsign"] = "Softsign"


class Sigmoid(Activation):
    """1 / (1 + exp(-x)): slope at most 1/4."""

    type: Literal["Sigmoid"] = "Sigmoid"


class Tanh(Activation):
    """tanh(x): slope at most 1."""

    type: Literal["Tanh"] = "Tanh"


class Hardtanh(_Inplace):
    """x kept between min_val and max_val."""

    type: Literal["Hardtanh"] = "Hardtanh"
    min_val: float = -1.0
    max_val: float = 1.0

    def output(self, signal: Signal) -> Signal:
        if self.max_val <= self.min_val:
            raise ShapeError("max_val must be larger than min_val", "max_val")
        return super().output(signal)


class Hardsigmoid(_Inplace):
    """A sigmoid of straight lines."""

    type: Literal["Hardsigmoid"] = "Hardsigmoid"


class Hardswish(_Inplace):
    """x * hardsigmoid(x) (Howard 2019)."""

    type: Literal["Hardswish"] = "Hardswish"


class Softmax(Activation):
    """exp(x) divided by its sum along `dim` (the batch is axis 0)."""

    type: Literal["Softmax"] = "Softmax"
    dim: int = -1

    def output(self, signal: Signal) -> Signal:
        signal = super().output(signal)
        rank = len(signal.dims) + 1
        if not -rank < self.dim < rank or self.dim in (0, -rank):
            raise ShapeError(
                f"dim {self.dim} is not an axis of {signal}; axes count from 1 "
                f"(0 is the batch) to {rank - 1}",
                "dim",
            )
        return signal
