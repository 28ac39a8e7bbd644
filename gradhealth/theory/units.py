"""Layers without weights: activations, pools, dropout, reshaping."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..architecture.expansion import Node
from ..layers.activation import Activation, PReLU, Softmax
from ..layers.base import Signal, per_axis
from ..layers.linear import Dropout, Flatten, Identity
from ..layers.pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    MaxPool1d,
    MaxPool2d,
    MeanPool,
)
from .activations import CURVES, curve_of, leaky
from .flow import Flow, Pull, Window, even, extents, keep
from .mean_field import Rule, Step, Walk, elementwise
from .moments import Moments

DROPOUT = (
    "dropout is predicted as in training: squared norms grow by 1/(1-p) on average "
    "and vary from sample to sample"
)


def activation(node: Node, moments: Moments, walk: Walk) -> Step:
    """E[phi^2] onwards, and E[phi'^2] back."""
    layer = node.layer
    assert isinstance(layer, Activation)
    curve = curve_of(layer)
    return elementwise(moments, curve, node.output, walk.window)


def leaky_relu(node: Node, moments: Moments, walk: Walk) -> Step:
    """PReLU, with the slope it starts with."""
    curve = leaky(walk.law(node, "weight").mean)
    return elementwise(moments, curve, node.output, walk.window)


def softmax(node: Node, moments: Moments, walk: Walk) -> Step:
    """Shares exp(u) / sum: their square is exp(q) / n^2 while no unit dominates."""
    layer = node.layer
    assert isinstance(layer, Softmax)
    size = node.input.dims[layer.dim if layer.dim < 0 else layer.dim - 1]
    concentration = min(float(size), math.exp(min(moments.variance, 700.0)))
    if concentration > size / 4:
        walk.note(f"{node.path}: the softmax is saturated, the prediction is rough")
    square = concentration / (size * size)
    output = Moments(1 / size, square - 1 / (size * size), 0.0)
    return output, lambda flow: flow.times(square).turned(0.0)


def unchanged(_node: Node, moments: Moments, _walk: Walk) -> Step:
    """Identity."""
    return moments, keep


def dropout(node: Node, moments: Moments, walk: Walk) -> Step:
    """In train mode: kept elements grow by 1/(1-p), forwards and backwards."""
    layer = node.layer
    assert isinstance(layer, Dropout)
    if layer.p == 0:
        return moments, keep
    walk.note(DROPOUT)
    return dropped(moments, layer.p)


def dropped(moments: Moments, p: float) -> Step:
    """Passes dropout of probability `p`."""
    kept = 1 - p
    if kept == 0:
        return Moments(0.0, 0.0, 0.0), lambda flow: flow.times(0.0)
    variance = moments.square / kept - moments.mean * moments.mean
    output = Moments(moments.mean, variance, moments.covariance)
    return output, lambda flow: flow.times(1 / kept)


def flatten(node: Node, moments: Moments, _walk: Walk) -> Step:
    """Elements stay; where they were is forgotten."""
    return moments, _evened(node.input, 1.0)


def _evened(signal: Signal, gain: float) -> Pull:
    return lambda flow: flow.times(gain).at(even(signal))


def max_pool(node: Node, moments: Moments, walk: Walk) -> Step:
    """Routes each gradient to one input; the activation before knows of it."""
    layer = node.layer
    assert isinstance(layer, MaxPool1d | MaxPool2d)
    walk.note("max pooling is taken over independent positions; neighbours are alike")
    dilation = per_axis(layer.dilation, layer.num_axes, "dilation")
    windows = _windows(layer, dilation)

    def pull(flow: Flow) -> Flow:
        return flow.at(_scattered(flow, windows, node.input)[0])

    return moments, pull


def average_pool(node: Node, moments: Moments, walk: Walk) -> Step:
    """Sends 1/area of a gradient to each element of its window."""
    layer = node.layer
    assert isinstance(layer, AvgPool1d | AvgPool2d)
    windows = _windows(layer, [1] * layer.num_axes)
    area = math.prod(window.taps for window in windows)

    def pull(flow: Flow) -> Flow:
        axes, num_taps = _scattered(flow, windows, node.input)
        return flow.times(num_taps / (area * area)).at(axes)

    return _averaged(moments, area, walk), pull


def _windows(
    layer: MaxPool1d | MaxPool2d | AvgPool1d | AvgPool2d, dilation: Sequence[int]
) -> list[Window]:
    axes = layer.num_axes
    kernel = per_axis(layer.kernel_size, axes, "kernel_size")
    stride = kernel if layer.stride is None else per_axis(layer.stride, axes, "stride")
    padding = per_axis(layer.padding, axes, "padding")
    return [
        Window(*numbers)
        for numbers in zip(kernel, stride, padding, dilation, strict=True)
    ]


def _scattered(
    flow: Flow, windows: Sequence[Window], signal: Signal
) -> tuple[list[Any], float]:
    axes = [
        window.scatter(shares, size)
        for window, shares, size in zip(
            windows, flow.profile, extents(signal), strict=True
        )
    ]
    return axes, math.prod(float(axis.sum()) for axis in axes)


def adaptive_pool(node: Node, moments: Moments, walk: Walk) -> Step:
    """A mean over as many elements as there are inputs an output."""
    area = node.input.size / node.output.size
    return _averaged(moments, area, walk), _evened(node.input, 1 / max(1.0, area))


def _averaged(moments: Moments, area: float, walk: Walk) -> Moments:
    walk.note("average pooling is taken over positions that are independent")
    own = (moments.variance - moments.covariance) / max(1.0, area)
    return Moments(moments.mean, moments.covariance + own, moments.covariance)


RULES: Mapping[type[Any], Rule] = {
    **dict.fromkeys(CURVES, activation),
    PReLU: leaky_relu,
    Softmax: softmax,
    Identity: unchanged,
    Dropout: dropout,
    Flatten: flatten,
    MaxPool1d: max_pool,
    MaxPool2d: max_pool,
    AvgPool1d: average_pool,
    AvgPool2d: average_pool,
    AdaptiveAvgPool1d: adaptive_pool,
    AdaptiveAvgPool2d: adaptive_pool,
    MeanPool: adaptive_pool,
}
