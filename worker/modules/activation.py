"""Activations that know where the channels are."""

from torch import nn

from .base import AlongLength


class PReLU(AlongLength, nn.PReLU):
    """torch's PReLU, its channels being the features of a sequence."""
