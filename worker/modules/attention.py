"""Attention: one with a factor on its logits, and torch's layer with a causal mask."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class SelfAttention(nn.Module):
    """softmax(qk_scale / sqrt(head size) * Q K^T) V with an output projection.

    Parameters are named and initialised as those of `torch.nn.MultiheadAttention`.
    """

    def __init__(
        self, *, embed_dim: int, num_heads: int, causal: bool, qk_scale: float
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.causal = causal
        self.factor = qk_scale / math.sqrt(embed_dim // num_heads)
        self.in_proj_weight = nn.Parameter(torch.empty(3 * embed_dim, embed_dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * embed_dim))
        self.out_proj = nn.Linear(embed_dim, embed_dim)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Legend: B batch, L length, D features, H heads, S head size."""
        qkv = functional.linear(x_BLD, self.in_proj_weight, self.in_proj_bias)
        q_BHLS, k_BHLS, v_BHLS = (
            part.view(*part.shape[:2], self.num_heads, -1).transpose(1, 2)
            for part in qkv.chunk(3, dim=-1)
        )
        mixed_BHLS = functional.scaled_dot_product_attention(
            q_BHLS, k_BHLS, v_BHLS, is_causal=self.causal, scale=self.factor
        )
        output: Tensor = self.out_proj(mixed_BHLS.transpose(1, 2).flatten(2))
        return output


class TransformerEncoderLayer(nn.TransformerEncoderLayer):
    """torch's encoder layer; `causal` hides later positions."""

    def __init__(self, *, causal: bool, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.causal = causal

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # no masks from outside
        mask = None
        if self.causal:
            mask = nn.Transformer.generate_square_subsequent_mask(
                x.shape[1], device=x.device, dtype=x.dtype
            )
        return super().forward(x, src_mask=mask, is_causal=self.causal)
