import pytest
import torch

from worker.measuring.neighbours import neighbour_progress

RANDOM = torch.Generator().manual_seed(0)
X = torch.randn(512, 8, generator=RANDOM)


def test_targets_that_follow_from_the_inputs_are_predicted():
    assert neighbour_progress(X, (X[:, 0] > 0).long()) > 0.4
    assert neighbour_progress(X[:, :2], X[:, :1].sin()) > 0.9


def test_random_targets_are_not():
    classes = torch.randint(4, (512,), generator=RANDOM)
    values = torch.randn(512, 1, generator=RANDOM)

    assert neighbour_progress(X, classes) < 0.1
    assert neighbour_progress(X, values) < 0.05


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (torch.zeros(64, 4, dtype=torch.int64), torch.zeros(64, 4)),
        (torch.full((64, 4), torch.nan), torch.zeros(64)),
        (X, torch.zeros(512, dtype=torch.int64)),
        (X[:3], torch.zeros(3)),
    ],
    ids=["tokens", "nothing finite", "one class", "too few"],
)
def test_where_nothing_can_be_said_nothing_is(x, y):
    assert neighbour_progress(x, y) is None
