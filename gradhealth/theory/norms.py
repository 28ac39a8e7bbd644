"""Normalisation: divides by the spread it finds (Yang 2019; Xiong 2020)."""

import math
from collections.abc import Mapping
from typing import Any

from ..architecture.expansion import Node
from ..layers.norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    LayerNorm,
    RMSNorm,
)
from .flow import Flow, extents
from .laws import ONE, Law
from .mean_field import Rule, Step, Walk
from .moments import Moments

# With fewer values the mean of 1/variance does not exist.
MIN_VALUES = 4
# torch's eps of RMSNorm in float32, when none is given.
FLOAT32_EPS = 1.1920929e-07


def batch_norm(node: Node, moments: Moments, walk: Walk) -> Step:
    """Normalises each channel over the batch and all positions.

    Without skips the factor a layer is sqrt(E[phi'^2] / Var phi), above 1 for every
    activation that is not linear (Yang 2019), and larger in small batches.
    """
    layer = node.layer
    assert isinstance(layer, BatchNorm1d | BatchNorm2d | BatchNorm3d)
    count = walk.batch_size * math.prod(extents(node.input))
    if count < MIN_VALUES:
        walk.note(f"{node.path}: batch normalisation over {count} samples is rough")
        count = MIN_VALUES
    spread = moments.variance - moments.covariance
    gain = _inverse(spread, layer.eps)
    # What is left of two samples after their mean is taken away.
    pair = -gain * spread / (count - 1)
    output = Moments(0.0, gain * spread, pair)
    return _affine(
        output, gain * _small_sample(count), _weight(node, walk), walk.law(node, "bias")
    )


def layer_norm(node: Node, moments: Moments, walk: Walk) -> Step:
    """Normalises each sample over its features."""
    layer = node.layer
    assert isinstance(layer, LayerNorm)
    return normalised(
        moments,
        count=math.prod(layer.normalized(node.input)),
        eps=layer.eps,
        weight=_weight(node, walk),
        bias=walk.law(node, "bias"),
    )


def normalised(
    moments: Moments, *, count: int, eps: float, weight: Law, bias: Law
) -> Step:
    """Layer normalisation of `count` features, then the learned scale and shift."""
    if count == 1:
        return _affine(Moments(0.0, 0.0, 0.0), 0.0, weight, bias)
    gain = _inverse(moments.variance, eps)
    output = Moments(0.0, gain * moments.variance, gain * moments.covariance)
    return _affine(output, gain, weight, bias)


def rms_norm(node: Node, moments: Moments, walk: Walk) -> Step:
    """Divides each sample by the RMS of its features."""
    layer = node.layer
    assert isinstance(layer, RMSNorm)
    eps = FLOAT32_EPS if layer.eps is None else layer.eps
    gain = _inverse(moments.square, eps)
    root = math.sqrt(gain)
    output = Moments(
        root * moments.mean, gain * moments.variance, gain * moments.covariance
    )
    return _affine(output, gain, _weight(node, walk), walk.law(node, "bias"))


def group_norm(node: Node, moments: Moments, walk: Walk) -> Step:
    """Normalises each sample over groups of channels and all positions."""
    layer = node.layer
    if isinstance(layer, GroupNorm):
        channels, eps = node.input.channels // layer.num_groups, layer.eps
    else:
        assert isinstance(layer, InstanceNorm1d | InstanceNorm2d)
        channels, eps = 1, layer.eps
    count = channels * math.prod(extents(node.input))
    if count == 1:
        return _affine(
            Moments(0.0, 0.0, 0.0), 0.0, _weight(node, walk), walk.law(node, "bias")
        )
    # Positions share what the channel means of the group do not average away.
    shared = moments.covariance / channels if count > channels else 0.0
    spread = moments.variance - shared
    gain = _inverse(spread, eps)
    output = Moments(0.0, gain * spread, gain * (moments.covariance - shared))
    return _affine(output, gain, _weight(node, walk), walk.law(node, "bias"))


def _inverse(spread: float, eps: float) -> float:
    return 1 / (max(spread, 0.0) + eps) if spread > 0 or eps > 0 else 0.0


def _small_sample(count: int) -> float:
    """Correction for the few values that a norm estimates its variance from.

    E[1/variance] is larger than 1/E[variance], and the backward pass removes the
    gradient's mean and its part along the output. With a linear layer in between,
    the factor squared is (B-2)/(B-3) for a batch of B.
    """
    size = max(count, MIN_VALUES)
    return size * (size - 2) / ((size - 3) * (size - 1))


def _weight(node: Node, walk: Walk) -> Law:
    return walk.law(node, "weight") if "weight" in node.parameters else ONE


def _affine(output: Moments, gain: float, weight: Law, bias: Law) -> Step:
    """The learned scale and shift behind a norm."""
    shift = Moments(bias.mean, bias.variance, bias.variance)
    scaled = shift.plus(output, weight.mean, weight.square)

    def pull(flow: Flow) -> Flow:
        # The part along the output is what normalising takes away.
        across = 1 - flow.alignment * flow.alignment
        return flow.times(gain * weight.square * across).turned(0.0)

    return scaled, pull


RULES: Mapping[type[Any], Rule] = {
    BatchNorm1d: batch_norm,
    BatchNorm2d: batch_norm,
    BatchNorm3d: batch_norm,
    LayerNorm: layer_norm,
    RMSNorm: rms_norm,
    GroupNorm: group_norm,
    InstanceNorm1d: group_norm,
    InstanceNorm2d: group_norm,
}
