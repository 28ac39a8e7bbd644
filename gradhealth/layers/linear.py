"""Fully connected layers and those that only reshape, scale or drop."""

import math
from typing import ClassVar, Literal

from .base import Layer, Probability, Shape, ShapeError, Signal, Size, agree


class Linear(Layer):
    """y = x W^T + b on the last axis."""

    type: Literal["Linear"] = "Linear"
    in_features: Size | None = None
    out_features: Size
    bias: bool = True

    station: ClassVar[bool] = True

    def output(self, signal: Signal) -> Signal:
        if signal.is_tokens:
            raise ShapeError(f"Linear cannot take {signal}: put an Embedding before it")
        agree("in_features", self.in_features, signal.dims[-1], signal)
        return Signal((*signal.dims[:-1], self.out_features))

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"weight": (self.out_features, signal.dims[-1])}
        if self.bias:
            shapes["bias"] = (self.out_features,)
        return shapes


class Flatten(Layer):
    """Joins axes; `start_dim` and `end_dim` count the batch as axis 0."""

    type: Literal["Flatten"] = "Flatten"
    start_dim: int = 1
    end_dim: int = -1

    def output(self, signal: Signal) -> Signal:
        rank = len(signal.dims) + 1
        start = self.start_dim % rank if -rank <= self.start_dim < rank else rank
        end = self.end_dim % rank if -rank <= self.end_dim < rank else rank
        if not 1 <= start <= end < rank:
            raise ShapeError(
                f"Flatten cannot join axes {self.start_dim} to {self.end_dim} of "
                f"{signal}; axes count from 1 (0 is the batch) to {rank - 1}"
            )
        if signal.is_tokens:
            return signal
        dims = signal.dims
        joined = math.prod(dims[start - 1 : end])
        return Signal((*dims[: start - 1], joined, *dims[end:]))


class Identity(Layer):
    """y = x."""

    type: Literal["Identity"] = "Identity"

    takes_tokens: ClassVar[bool] = True

    def output(self, signal: Signal) -> Signal:
        return signal


class Dropout(Layer):
    """Zeroes elements at random while training (Srivastava 2014)."""

    type: Literal["Dropout"] = "Dropout"
    p: Probability = 0.5
    inplace: bool = False

    def output(self, signal: Signal) -> Signal:
        if signal.is_tokens:
            raise ShapeError(
                f"Dropout cannot take {signal}: put an Embedding before it"
            )
        return signal


class Scale(Layer):
    """y = value * x; with `learn`, value is a parameter named `scale`."""

    type: Literal["Scale"] = "Scale"
    value: float = 1.0
    learn: bool = False

    def output(self, signal: Signal) -> Signal:
        if signal.is_tokens:
            raise ShapeError(f"Scale cannot take {signal}: put an Embedding before it")
        return signal

    def parameters(self, signal: Signal) -> dict[str, Shape]:  # noqa: ARG002 -- a scalar
        return {"scale": ()} if self.learn else {}
