"""Recurrent layers, batch first."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import (
    Layer,
    Probability,
    Shape,
    ShapeError,
    Signal,
    Size,
    agree,
    require_rank,
)


class Recurrent(Layer):
    """Fields and shape rule shared by RNN, LSTM and GRU.

    `return` "last" keeps the output at the last time step only.
    """

    input_size: Size | None = None
    hidden_size: Size
    num_layers: Annotated[int, Field(ge=1, le=64)] = 1
    bias: bool = True
    batch_first: Literal[True] = True
    dropout: Probability = 0.0
    bidirectional: bool = False
    returns: Literal["sequence", "last"] = Field("sequence", alias="return")

    station: ClassVar[bool] = True
    num_gates: ClassVar[int]

    @property
    def num_directions(self) -> int:
        """2 when the sequence is also read backwards."""
        return 2 if self.bidirectional else 1

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, [2], "[length, features]", self.kind)
        agree("input_size", self.input_size, signal.dims[1], signal)
        features = self.num_directions * self._output_size()
        if self.returns == "last":
            return Signal((features,))
        return Signal((signal.dims[0], features))

    def _output_size(self) -> int:
        return self.hidden_size

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {}
        rows = self.num_gates * self.hidden_size
        for index in range(self.num_layers):
            inputs = self.num_directions * self._output_size()
            columns = signal.dims[1] if index == 0 else inputs
            for suffix in ("", "_reverse")[: self.num_directions]:
                tail = f"l{index}{suffix}"
                shapes[f"weight_ih_{tail}"] = (rows, columns)
                shapes[f"weight_hh_{tail}"] = (rows, self._output_size())
                if self.bias:
                    shapes[f"bias_ih_{tail}"] = (rows,)
                    shapes[f"bias_hh_{tail}"] = (rows,)
                shapes |= self._extra_parameters(tail)
        return shapes

    def _extra_parameters(self, tail: str) -> dict[str, Shape]:  # noqa: ARG002 -- LSTM's
        return {}


class RNN(Recurrent):
    """h_t = phi(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh) (Elman 1990)."""

    type: Literal["RNN"] = "RNN"
    nonlinearity: Literal["tanh", "relu"] = "tanh"

    num_gates: ClassVar[int] = 1


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997); gates i, f, g, o."""

    type: Literal["LSTM"] = "LSTM"
    proj_size: int = Field(0, ge=0)

    num_gates: ClassVar[int] = 4

    def output(self, signal: Signal) -> Signal:
        if self.proj_size >= self.hidden_size:
            raise ShapeError("proj_size must be smaller than hidden_size", "proj_size")
        return super().output(signal)

    def _output_size(self) -> int:
        return self.proj_size or self.hidden_size

    def _extra_parameters(self, tail: str) -> dict[str, Shape]:
        if not self.proj_size:
            return {}
        return {f"weight_hr_{tail}": (self.proj_size, self.hidden_size)}


class GRU(Recurrent):
    """Gated recurrent unit (Cho 2014); gates r, z, n."""

    type: Literal["GRU"] = "GRU"

    num_gates: ClassVar[int] = 3
