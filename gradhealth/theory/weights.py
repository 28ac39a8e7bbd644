"""Layers with weights: fully connected ones, convolutions, embeddings."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..architecture.expansion import Node
from ..layers.base import per_axis
from ..layers.conv import Conv1d, Conv2d, Conv3d, ConvTranspose2d
from ..layers.embedding import Embedding, PositionalEmbedding
from ..layers.linear import Linear, Scale
from .activations import Values
from .flow import Flow, Window, even, extents, keep
from .mean_field import Rule, Step, Walk, Weights, weighted
from .moments import Moments

Spread = Callable[[Window, Values, int], Values]


def linear(node: Node, moments: Moments, walk: Walk) -> Step:
    """Gives q = sigma_w^2 E[x^2] + sigma_b^2, and sigma_w^2 back."""
    num_inputs, num_outputs = node.input.dims[-1], node.output.dims[-1]
    weights = Weights(
        walk.law(node, "weight"), num_inputs, node.input.size, node.output.size
    )
    weights.check(node.path)
    share = min(1.0, num_inputs / num_outputs) if weights.law.identity else 1.0
    output, pull = weighted(moments, weights, walk.law(node, "bias"), share)

    def spread_out(flow: Flow) -> Flow:
        flow = pull(flow).times(share)
        if len(node.input.dims) <= 2:  # noqa: PLR2004 -- rank of a sequence
            return flow
        # On an image the last axis is one of space, and all its places are mixed.
        return flow.at([*flow.profile[:-1], even(node.input)[-1]])

    return output, spread_out


def convolution(node: Node, moments: Moments, walk: Walk) -> Step:
    """As Linear, over a window; what falls into zero padding is lost."""
    layer = node.layer
    assert isinstance(layer, Conv1d | Conv2d | Conv3d)
    return _windowed(node, moments, walk, _windows(layer), Window.scatter)


def transposed(node: Node, moments: Moments, walk: Walk) -> Step:
    """The adjoint of a convolution: an output sums only every stride-th tap."""
    layer = node.layer
    assert isinstance(layer, ConvTranspose2d)
    return _windowed(node, moments, walk, _windows(layer), Window.gather)


def _windows(layer: Conv1d | Conv2d | Conv3d | ConvTranspose2d) -> list[Window]:
    axes = 2 if isinstance(layer, ConvTranspose2d) else layer.num_axes
    kernel = per_axis(layer.kernel_size, axes, "kernel_size")
    stride = per_axis(layer.stride, axes, "stride")
    dilation = per_axis(layer.dilation, axes, "dilation")
    padding: Sequence[int]
    if layer.padding == "valid":
        padding = [0] * axes
    elif layer.padding == "same":
        padding = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
    else:
        padding = per_axis(layer.padding, axes, "padding")
    return [
        Window(*numbers)
        for numbers in zip(kernel, stride, padding, dilation, strict=True)
    ]


def _windowed(
    node: Node,
    moments: Moments,
    walk: Walk,
    windows: Sequence[Window],
    spread: Spread,
) -> Step:
    layer = node.layer
    assert isinstance(layer, Conv1d | Conv2d | Conv3d | ConvTranspose2d)
    taps = math.prod(window.taps for window in windows)
    num_terms = node.input.channels // layer.groups * taps
    weights = Weights(
        walk.law(node, "weight"), num_terms, node.input.size, node.output.size, taps
    )
    weights.check(node.path)
    sizes = extents(node.input)
    lossless = layer.padding_mode != "zeros"

    def tapped(profile: Sequence[Values]) -> tuple[list[Values], float]:
        """Where the taps lie, and the share of them inside the borders."""
        axes = [
            spread(window, shares, size)
            for window, shares, size in zip(windows, profile, sizes, strict=True)
        ]
        share = math.prod(axis.sum() for axis in axes) / taps
        return axes, 1.0 if lossless else share

    _, inside = tapped(even(node.output))
    if weights.law.identity:
        inside = min(1.0, node.input.channels / node.output.channels)
    output, pull = weighted(moments, weights, walk.law(node, "bias"), inside)

    def pull_through(flow: Flow) -> Flow:
        axes, share = tapped(flow.profile)
        share = inside if weights.law.identity else share
        return pull(flow).times(share).at(axes)

    return output, pull_through


def embedding(node: Node, _moments: Moments, walk: Walk) -> Step:
    """A row of the table; two positions hold the same token once in so many."""
    law = walk.law(node, "weight")
    rows = node.parameters["weight"][0]
    return Moments(law.mean, law.variance, law.variance / rows), keep


def positional(node: Node, moments: Moments, walk: Walk) -> Step:
    """Adds a table that is independent of everything."""
    law = walk.law(node, "weight")
    table = Moments(law.mean, law.variance, 0.0)
    return moments.plus(table, 1.0, 1.0), keep


def scale(node: Node, moments: Moments, walk: Walk) -> Step:
    """Multiplies by a number."""
    layer = node.layer
    assert isinstance(layer, Scale)
    value = walk.law(node, "scale") if layer.learn else None
    factor, square = (
        (value.mean, value.square) if value else (layer.value, layer.value**2)
    )
    output = Moments(0.0, 0.0, 0.0).plus(moments, factor, square)
    return output, lambda flow: flow.times(square)


RULES: Mapping[type[Any], Rule] = {
    Linear: linear,
    Conv1d: convolution,
    Conv2d: convolution,
    Conv3d: convolution,
    ConvTranspose2d: transposed,
    Embedding: embedding,
    PositionalEmbedding: positional,
    Scale: scale,
}
