"""Layers made of layers: skips, gates, parallel branches."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..architecture.expansion import Node
from ..layers.block import Highway, Parallel, Residual
from .activations import SIGMOID
from .averages import averages
from .flow import Flow, Pull, chain, meet
from .laws import ONE, Law
from .mean_field import Rule, Step, Walk, Weights, weighted
from .moments import Moments


def sequence(nodes: Sequence[Node], moments: Moments, walk: Walk) -> Step:
    """Layers one after the other as one step."""
    steps = walk.through(nodes, moments)
    output = steps[-1][0] if steps else moments
    return output, chain([pull for _, pull in steps])


def residual(node: Node, moments: Moments, walk: Walk) -> Step:
    """Adds the squares of both paths: sqrt(1 + scale^2 chi) a block."""
    layer = node.layer
    assert isinstance(layer, Residual)
    factor = walk.law(node, "scale") if layer.learn_scale else Law(mean=layer.scale)
    if not any(child.parameters for child in _inside(node, "body")):
        walk.note(
            f"{node.path}: a branch without weights adds to its shortcut in step; "
            "the prediction takes them as independent"
        )
    body, pull_body = sequence(node.children["body"], moments, walk)
    carried, pull_carried = sequence(node.children["shortcut"], moments, walk)
    total, pull_sum = skipped(carried, pull_carried, body, pull_body, factor)
    output, pull_post = sequence(node.children["post"], total, walk)
    return output, chain([pull_sum, pull_post])


def skipped(
    carried: Moments,
    pull_carried: Pull,
    branch: Moments,
    pull_branch: Pull,
    factor: Law = ONE,
) -> Step:
    """Adds `factor` times a branch to what a skip carries.

    Independent branches add to the gradient's energy. A branch whose output has a
    mean, such as one that ends in ReLU, has learned about its input's direction, and
    so do the gradients that come along the sum: they add in amplitude.
    """
    total = carried.plus(branch, factor.mean, factor.square)
    common = carried.mean * branch.mean
    to_carried = _cosine(carried.square + factor.mean * common, carried, total)
    to_branch = _cosine(factor.mean * branch.square + common, branch, total)
    sign = math.copysign(1.0, factor.mean)

    def pull(flow: Flow) -> Flow:
        kept = flow.turned(flow.alignment * to_carried)
        scaled = flow.times(factor.square).turned(sign * flow.alignment * to_branch)
        return meet(flow, [pull_carried(kept), pull_branch(scaled)])

    return total, pull


def _cosine(product: float, part: Moments, whole: Moments) -> float:
    """Of two signals, given E[x y]."""
    scale = math.sqrt(part.square * whole.square)
    return product / scale if scale > 0 else 0.0


def _inside(node: Node, slot: str) -> list[Node]:
    return [inner for child in node.children[slot] for inner in child.walk()]


def highway(node: Node, moments: Moments, walk: Walk) -> Step:
    """Mixes both paths by the gate, which has a gradient of its own."""
    layer = node.layer
    assert isinstance(layer, Highway)
    body, pull_body = sequence(node.children["body"], moments, walk)
    size = node.input.size
    weights = Weights(walk.law(node, "gate.weight"), node.input.dims[-1], size, size)
    weights.check(node.path)
    gate, pull_gate = weighted(moments, weights, walk.law(node, "gate.bias"))
    share = averages(SIGMOID, gate.mean, gate.variance)
    opened = share.square
    closed = 1 - 2 * share.value + share.square
    both = share.value - share.square
    mean = share.value * body.mean + (1 - share.value) * moments.mean
    square = (
        opened * body.square
        + closed * moments.square
        + 2 * both * body.mean * moments.mean
    )
    product = (
        share.value**2 * body.product
        + (1 - share.value) ** 2 * moments.product
        + 2 * share.value * (1 - share.value) * body.mean * moments.mean
    )
    difference = body.square + moments.square - 2 * body.mean * moments.mean

    def pull(flow: Flow) -> Flow:
        flow = flow.turned(0.0)
        paths = [
            flow.times(closed),
            pull_body(flow.times(opened)),
            pull_gate(flow.times(difference * share.slope_square)),
        ]
        return meet(flow, paths)

    return Moments(mean, square - mean * mean, product - mean * mean), pull


def parallel(node: Node, moments: Moments, walk: Walk) -> Step:
    """Branches of the same input, merged."""
    layer = node.layer
    assert isinstance(layer, Parallel)
    slots = [f"branches.{index}" for index in range(len(layer.branches))]
    steps = [sequence(node.children[slot], moments, walk) for slot in slots]
    outputs = [output for output, _ in steps]
    if layer.merge == "add":
        total = outputs[0]
        for output in outputs[1:]:
            total = total.plus(output, 1.0, 1.0)
        return total, _fork([pull for _, pull in steps], [1.0] * len(steps))
    if layer.merge == "mul":
        return _multiplied(steps)
    channels = [
        (node.children[slot][-1].output if node.children[slot] else node.input).channels
        for slot in slots
    ]
    shares = [size / sum(channels) for size in channels]
    return _mixed(outputs, shares), _fork([pull for _, pull in steps], shares)


def _fork(pulls: Sequence[Pull], gains: Sequence[float]) -> Pull:
    def pull(flow: Flow) -> Flow:
        flow = flow.turned(0.0)
        branches = zip(pulls, gains, strict=True)
        return meet(flow, [back(flow.times(gain)) for back, gain in branches])

    return pull


def _mixed(outputs: Sequence[Moments], shares: Sequence[float]) -> Moments:
    """Elements of several signals side by side."""
    pairs = list(zip(shares, outputs, strict=True))
    mean = sum(share * output.mean for share, output in pairs)
    square = sum(share * output.square for share, output in pairs)
    product = sum(share * output.product for share, output in pairs)
    return Moments(mean, square - mean * mean, product - mean * mean)


def _multiplied(steps: Sequence[Step]) -> Step:
    mean = square = product = 1.0
    for output, _ in steps:
        mean *= output.mean
        square *= output.square
        product *= output.product
    # A branch's gradient is multiplied with all the other branches.
    gains = [1.0] * len(steps)
    for index in range(len(steps)):
        for other, (output, _) in enumerate(steps):
            gains[index] *= output.square if other != index else 1.0
    output = Moments(mean, square - mean * mean, product - mean * mean)
    return output, _fork([pull for _, pull in steps], gains)


RULES: Mapping[type[Any], Rule] = {
    Residual: residual,
    Highway: highway,
    Parallel: parallel,
}
