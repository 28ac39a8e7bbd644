"""Pooling over the length of sequences."""

from torch import Tensor, nn

from .base import AlongLength


class MaxPool1d(AlongLength, nn.MaxPool1d):
    """torch's MaxPool1d on [batch, length, features]."""


class AvgPool1d(AlongLength, nn.AvgPool1d):
    """torch's AvgPool1d on [batch, length, features]."""


class AdaptiveAvgPool1d(AlongLength, nn.AdaptiveAvgPool1d):
    """torch's AdaptiveAvgPool1d on [batch, length, features]."""


class MeanPool(nn.Module):
    """Mean over the length of [batch, length, features]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)
