"""Recurrent layers that return a tensor: the sequence, or its last time step."""

from typing import Any

from torch import Tensor, nn


class _Recurrent(nn.RNNBase):
    """Stands before torch's class among the bases."""

    def __init__(self, *, returns: str, dropout: float, **arguments: Any) -> None:
        # torch warns that dropout between layers needs two of them.
        between = dropout if arguments["num_layers"] > 1 else 0.0
        super().__init__(dropout=between, **arguments)
        self.returns = returns

    def forward(self, x: Tensor) -> Tensor:
        sequence: Tensor = super().forward(x)[0]
        return sequence[:, -1] if self.returns == "last" else sequence


class RNN(_Recurrent, nn.RNN):  # type: ignore[misc]  # the state stays inside
    """torch's RNN; "last" is the output, of both directions, at the last time step."""


class LSTM(_Recurrent, nn.LSTM):  # type: ignore[misc]  # the state stays inside
    """torch's LSTM; "last" is the output, of both directions, at the last step."""


class GRU(_Recurrent, nn.GRU):  # type: ignore[misc]  # the state stays inside
    """torch's GRU; "last" is the output, of both directions, at the last time step."""
