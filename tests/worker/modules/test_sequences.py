import pytest
import torch
from torch import nn

from worker.modules import activation, conv, norm, pool


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (conv.Conv1d, (6, 4, 3)),
        (pool.MaxPool1d, (2,)),
        (pool.AvgPool1d, (2,)),
        (pool.AdaptiveAvgPool1d, (3,)),
        (norm.BatchNorm1d, (6,)),
        (norm.InstanceNorm1d, (6,)),
        (norm.GroupNorm, (2, 6)),
        (activation.PReLU, (6,)),
    ],
)
def test_works_along_the_length(module: type[nn.Module], arguments: tuple[int, ...]):
    ours = module(*arguments)
    torchs = getattr(nn, module.__name__)(*arguments)
    torchs.load_state_dict(ours.state_dict())
    x_BLF = torch.randn(3, 5, 6)

    expected = torchs(x_BLF.transpose(1, 2)).transpose(1, 2)

    assert torch.allclose(ours(x_BLF), expected)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [(norm.BatchNorm1d, (6,)), (norm.GroupNorm, (2, 6)), (activation.PReLU, (6,))],
)
def test_features_alone_are_left_in_place(
    module: type[nn.Module], arguments: tuple[int, ...]
):
    ours = module(*arguments)
    torchs = getattr(nn, module.__name__)(*arguments)
    x = torch.randn(3, 6)

    assert torch.equal(ours(x), torchs(x))


def test_the_mean_is_over_the_length():
    x = torch.randn(3, 5, 6)

    assert torch.equal(pool.MeanPool()(x), x.mean(1))


def test_a_length_of_1_does_not_end_the_process():
    dilated = conv.Conv1d(6, 2, 1, stride=2, dilation=3, padding=3)

    assert dilated(torch.randn(4, 1, 6)).shape == (4, 4, 2)
