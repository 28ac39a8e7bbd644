"""Normalisation of the features of sequences."""

from torch import nn

from .base import AlongLength


class BatchNorm1d(AlongLength, nn.BatchNorm1d):
    """torch's BatchNorm1d on [batch, features] and [batch, length, features]."""


class InstanceNorm1d(AlongLength, nn.InstanceNorm1d):
    """torch's InstanceNorm1d on [batch, length, features]."""


class GroupNorm(AlongLength, nn.GroupNorm):
    """torch's GroupNorm, its channels being the features of a sequence."""
