"""Convolution over the length of sequences."""

from torch import nn

from .base import AlongLength


class Conv1d(AlongLength, nn.Conv1d):
    """torch's Conv1d on [batch, length, features]."""
