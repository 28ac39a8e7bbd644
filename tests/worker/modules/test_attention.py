import pytest
import torch
from torch import nn

from worker.modules.attention import SelfAttention, TransformerEncoderLayer


def test_self_attention_is_torchs_multihead_attention():
    ours = SelfAttention(embed_dim=8, num_heads=2, causal=False, qk_scale=1.0)
    torchs = nn.MultiheadAttention(8, 2, batch_first=True)
    torchs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 5, 8)

    expected, _ = torchs(x, x, x)

    assert torch.allclose(ours(x), expected, atol=1e-6)


def test_self_attention_starts_as_torchs_does():
    torch.manual_seed(0)
    torchs = nn.MultiheadAttention(8, 2)
    bound = torchs.in_proj_weight.abs().max().item()

    ours = SelfAttention(embed_dim=8, num_heads=2, causal=False, qk_scale=1.0)

    assert ours.in_proj_weight.abs().max().item() == pytest.approx(bound, rel=0.1)
    assert not ours.in_proj_bias.any()
    assert not ours.out_proj.bias.any()


def test_causal_attention_does_not_look_ahead():
    attention = SelfAttention(embed_dim=8, num_heads=2, causal=True, qk_scale=1.0)
    x = torch.randn(1, 5, 8)
    changed = x.clone()
    changed[:, 3:] += 1

    before, after = attention(x), attention(changed)

    assert torch.allclose(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3:], after[:, 3:])


def test_qk_scale_0_attends_evenly():
    attention = SelfAttention(embed_dim=8, num_heads=2, causal=False, qk_scale=0.0)

    output = attention(torch.randn(1, 5, 8))

    assert torch.allclose(output, output[:, :1].expand_as(output), atol=1e-6)


def test_a_causal_encoder_layer_does_not_look_ahead():
    layer = TransformerEncoderLayer(
        d_model=8, nhead=2, dropout=0.0, batch_first=True, causal=True
    )
    x = torch.randn(1, 5, 8)
    changed = x.clone()
    changed[:, 3:] = 7 * torch.randn(1, 2, 8)

    before, after = layer(x), layer(changed)

    assert torch.allclose(before[:, :3], after[:, :3], atol=1e-6)
    assert not torch.allclose(before[:, 3:], after[:, 3:])
