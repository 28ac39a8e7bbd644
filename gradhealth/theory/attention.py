"""Attention at the start of training: a mean over positions with random weights."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from statistics import NormalDist
from typing import Any

import numpy as np

from ..architecture.expansion import Node
from ..layers.activation import GELU, ReLU
from ..layers.attention import SelfAttention, TransformerEncoderLayer
from ..layers.base import Signal
from .activations import Values, curve_of
from .blocks import skipped
from .flow import Flow, chain, keep
from .laws import Law
from .mean_field import Rule, Step, Walk, Weights, elementwise, weighted
from .moments import Moments
from .norms import normalised
from .units import DROPOUT, dropped

# sum a^2 of attention weights a above which few keys take all.
SATURATED = 0.25
# Keys that stand for all in longer sequences.
MAX_QUANTILES = 1024


@dataclass(frozen=True, slots=True)
class Heads:
    """What an attention layer is made of.

    Attributes:
        qkv: The fused projection's weight.
        logit_scale: Factor on the logits beside 1/sqrt(head size).
        p: Probability of dropping an attention weight.
    """

    path: str
    length: int
    causal: bool
    qkv: Weights
    qkv_bias: Law
    out: Weights
    out_bias: Law
    logit_scale: float = 1.0
    p: float = 0.0


def attend(heads: Heads, moments: Moments, walk: Walk) -> Step:
    """Passes attention.

    Gradients reach the values through the weights a with the energy sum a^2, and the
    queries and keys through the softmax.
    """
    heads.qkv.check(heads.path)
    heads.out.check(heads.path)
    projected, _ = weighted(moments, heads.qkv, heads.qkv_bias)
    gain = heads.qkv.gain(moments.square)
    # What differs between positions; a query's logits vary by its square.
    varying = gain * max(0.0, moments.square - moments.product)
    sharpness = heads.logit_scale * heads.logit_scale
    focus = _focus(heads.length, sharpness * projected.square * varying)
    if focus.share > SATURATED and heads.length * SATURATED > 1:
        walk.note(
            f"{heads.path}: the attention's softmax is saturated, where theory is rough"
        )
    share, kept = focus.share, 1 - heads.p
    together = share / kept if kept > 0 else 0.0
    mixed = Moments(
        projected.mean,
        projected.variance - varying * (1 - together),
        projected.variance - varying * (1 - min(together, 1 / heads.length)),
    )
    output, pull_out = weighted(mixed, heads.out, heads.out_bias)
    # To the values; to the keys and queries by way of the values' differences.
    to_logits = varying * sharpness * focus.slope / share
    through = gain * (1 + to_logits * (varying + projected.square))

    def pull(flow: Flow) -> Flow:
        flow = pull_out(flow)
        reached, spread = _keys(
            flow.profile[0], share * heads.length, causal=heads.causal
        )
        gained = reached * through / kept if kept > 0 else 0.0
        return flow.times(gained).at([spread]).turned(0.0)

    return output, pull


@dataclass(frozen=True, slots=True)
class Focus:
    """How a query's attention weights a are distributed over the keys.

    Attributes:
        share: sum a^2: 1/length when even, 1 when all is on one key.
        slope: Energy of the softmax's slope, sum a^2 (1 - 2 a + share).
    """

    share: float
    slope: float


@lru_cache(maxsize=256)
def _focus(length: int, variance: float) -> Focus:
    """For logits N(0, variance), taken at the quantiles."""
    size = min(length, MAX_QUANTILES)
    inverse = NormalDist().inv_cdf
    quantiles = np.array([inverse((i + 0.5) / size) for i in range(size)])
    logits = math.sqrt(variance) * quantiles
    weights = np.exp(logits - logits[-1])
    weights *= 1 / weights.sum()
    share = float(weights @ weights)
    slope = float(weights**2 @ (1 - 2 * weights + share))
    return Focus(share * size / length, slope * size / length)


def _keys(profile: Values, peak: float, *, causal: bool) -> tuple[float, Values]:
    """Energy that reaches the keys per energy at the queries, and where it lies."""
    length = len(profile)
    num_keys = np.arange(1, length + 1) if causal else np.full(length, length)
    each = profile * np.minimum(1.0, peak / num_keys)
    if not causal:
        return float(each.sum()), np.full(length, 1 / length)
    return float(each.sum()), np.cumsum((each / num_keys)[::-1])[::-1]


def self_attention(node: Node, moments: Moments, walk: Walk) -> Step:
    """Our own attention layer."""
    layer = node.layer
    assert isinstance(layer, SelfAttention)
    heads = _heads(node, walk, causal=layer.causal)
    return attend(replace(heads, logit_scale=layer.qk_scale), moments, walk)


def _heads(node: Node, walk: Walk, *, causal: bool, prefix: str = "") -> Heads:
    (length, width), size = node.input.dims, node.input.size
    return Heads(
        path=node.path,
        length=length,
        causal=causal,
        qkv=Weights(walk.law(node, f"{prefix}in_proj_weight"), width, size, size),
        qkv_bias=walk.law(node, f"{prefix}in_proj_bias"),
        out=Weights(walk.law(node, f"{prefix}out_proj.weight"), width, size, size),
        out_bias=walk.law(node, f"{prefix}out_proj.bias"),
    )


Passage = Callable[[Moments], Step]


def encoder_layer(node: Node, moments: Moments, walk: Walk) -> Step:
    """Attention and a feed-forward network, each with its skip and norm."""
    layer = node.layer
    assert isinstance(layer, TransformerEncoderLayer)
    heads = _heads(node, walk, causal=layer.causal, prefix="self_attn.")
    heads = replace(heads, p=layer.dropout)
    drop = partial(dropped, p=layer.dropout)
    if layer.dropout:
        walk.note(DROPOUT)
    passages: list[Passage] = []
    for name, branch in (
        ("norm1", lambda moments: attend(heads, moments, walk)),
        ("norm2", _feed_forward(node, walk)),
    ):
        norm = _norm(node, name, walk)
        if layer.norm_first:
            passages.append(_skip(_then(norm, branch, drop)))
        else:
            passages.append(_then(_skip(_then(branch, drop)), norm))
    return _then(*passages)(moments)


def _then(*passages: Passage) -> Passage:
    def through(moments: Moments) -> Step:
        pulls = []
        for passage in passages:
            moments, pull = passage(moments)
            pulls.append(pull)
        return moments, chain(pulls)

    return through


def _skip(branch: Passage) -> Passage:
    def through(moments: Moments) -> Step:
        output, pull = branch(moments)
        return skipped(moments, keep, output, pull)

    return through


def _norm(node: Node, name: str, walk: Walk) -> Passage:
    layer = node.layer
    assert isinstance(layer, TransformerEncoderLayer)
    return partial(
        normalised,
        count=node.input.dims[-1],
        eps=layer.layer_norm_eps,
        weight=walk.law(node, f"{name}.weight"),
        bias=walk.law(node, f"{name}.bias"),
    )


def _feed_forward(node: Node, walk: Walk) -> Passage:
    layer = node.layer
    assert isinstance(layer, TransformerEncoderLayer)
    curve = curve_of(GELU() if layer.activation == "gelu" else ReLU())

    length, width = node.input.dims
    inner = layer.dim_feedforward

    def dense(name: str, before: int, after: int) -> Passage:
        law = walk.law(node, f"{name}.weight")
        weights = Weights(law, before, before * length, after * length)
        weights.check(node.path)
        return partial(weighted, weights=weights, bias=walk.law(node, f"{name}.bias"))

    return _then(
        dense("linear1", width, inner),
        partial(elementwise, curve=curve, signal=Signal((length, inner))),
        partial(dropped, p=layer.dropout),
        dense("linear2", inner, width),
    )


RULES: Mapping[type[Any], Rule] = {
    SelfAttention: self_attention,
    TransformerEncoderLayer: encoder_layer,
}
