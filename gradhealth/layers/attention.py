"""Attention blocks."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import (
    Layer,
    Probability,
    Shape,
    ShapeError,
    Signal,
    Size,
    agree,
    require_rank,
)


def _check_heads(num_heads: int, width: int, key: str) -> None:
    if width % num_heads:
        raise ShapeError(f"{key} {num_heads} must divide the {width} features", key)


def _projections(width: int, *, prefix: str = "", bias: bool) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {f"{prefix}in_proj_weight": (3 * width, width)}
    if bias:
        shapes[f"{prefix}in_proj_bias"] = (3 * width,)
    shapes[f"{prefix}out_proj.weight"] = (width, width)
    if bias:
        shapes[f"{prefix}out_proj.bias"] = (width,)
    return shapes


class SelfAttention(Layer):
    """softmax(qk_scale / sqrt(head size) * Q K^T) V with an output projection.

    Fused qkv and output projection with bias, no dropout (Vaswani 2017).
    """

    type: Literal["SelfAttention"] = "SelfAttention"
    embed_dim: Size | None = None
    num_heads: Size
    causal: bool = False
    qk_scale: float = 1.0

    station: ClassVar[bool] = True

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, [2], "[length, features]", self.kind)
        agree("embed_dim", self.embed_dim, signal.dims[1], signal)
        _check_heads(self.num_heads, signal.dims[1], "num_heads")
        return signal

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        return _projections(signal.dims[1], bias=True)


class TransformerEncoderLayer(Layer):
    """torch's encoder layer: self-attention and a feed-forward network with norms."""

    type: Literal["TransformerEncoderLayer"] = "TransformerEncoderLayer"
    d_model: Size | None = None
    nhead: Size
    dim_feedforward: Size = 2048
    dropout: Probability = 0.1
    activation: Literal["relu", "gelu"] = "relu"
    layer_norm_eps: Annotated[float, Field(ge=0)] = 1e-5
    batch_first: Literal[True] = True
    norm_first: bool = False
    bias: bool = True
    causal: bool = False

    station: ClassVar[bool] = True

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, [2], "[length, features]", self.kind)
        agree("d_model", self.d_model, signal.dims[1], signal)
        _check_heads(self.nhead, signal.dims[1], "nhead")
        return signal

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        width, inner = signal.dims[1], self.dim_feedforward
        shapes = _projections(width, prefix="self_attn.", bias=self.bias)
        shapes |= {"linear1.weight": (inner, width), "linear2.weight": (width, inner)}
        shapes |= {"norm1.weight": (width,), "norm2.weight": (width,)}
        if self.bias:
            shapes |= {"linear1.bias": (inner,), "linear2.bias": (width,)}
            shapes |= {"norm1.bias": (width,), "norm2.bias": (width,)}
        return shapes
