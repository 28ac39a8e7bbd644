import math

import numpy as np
import pytest
import torch

from gradhealth.architecture.targets import Goal
from gradhealth.schemas.data import Clusters
from gradhealth.schemas.training import Loss
from worker.measuring.losses import loss_function
from worker.proving.baselines import trivial_loss

CLASS_LOSSES: list[Loss] = ["cross_entropy", "nll_of_softmax", "bce_with_logits"]
CLASS_LOSSES += ["bce", "mse_onehot"]
VALUE_LOSSES: list[Loss] = ["mse", "mae", "huber"]


def loss_of(loss: Loss, output: torch.Tensor, y: np.ndarray) -> float:
    """The loss of one output for every sample."""
    goal = Goal(Clusters(), "classes", 3, (), loss)
    every = output.expand(len(y), -1)
    return loss_function(goal)(every, torch.from_numpy(y)).item()


@pytest.mark.parametrize("loss", CLASS_LOSSES)
def test_the_classes_frequencies_reach_the_trivial_loss_and_no_output_beats_it(
    loss: Loss,
):
    y = np.array([0, 0, 0, 1, 1, 2])
    p = torch.tensor([3 / 6, 2 / 6, 1 / 6])
    sigmoid = loss in ("bce_with_logits", "mse_onehot")
    best = p if loss == "bce" else torch.logit(p) if sigmoid else p.log()

    expected = trivial_loss(y, loss, 3)

    assert loss_of(loss, best, y) == pytest.approx(expected, rel=1e-5)
    for shift in (-0.05, 0.05):
        moved = best + shift * torch.tensor([1.0, 0.0, 0.0])
        assert loss_of(loss, moved, y) > expected


@pytest.mark.parametrize("loss", VALUE_LOSSES)
def test_no_constant_beats_the_trivial_loss_of_values(loss: Loss):
    y = np.random.default_rng(0).exponential(3, (101, 1)).astype(np.float32)
    tries = np.linspace(y.min(), y.max(), 4001)
    losses = [loss_of(loss, torch.tensor([c], dtype=torch.float32), y) for c in tries]

    assert trivial_loss(y, loss, 1) == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.parametrize("loss", VALUE_LOSSES)
def test_each_dimension_of_a_target_has_its_own_constant(loss: Loss):
    y = np.array([[1.0, -50.0], [1.0, -50.0], [1.0, -50.0]])

    assert trivial_loss(y, loss, 2) == pytest.approx(0)


def test_a_single_output_has_one_probability():
    y = np.array([0, 0, 0, 1])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))

    assert trivial_loss(y, "bce", 1) == pytest.approx(entropy)


def test_outputs_without_a_class_count_in_the_mean_of_the_binary_losses():
    y = np.array([0, 1])

    assert trivial_loss(y, "mse_onehot", 2) == pytest.approx(0.25)
    assert trivial_loss(y, "mse_onehot", 4) == pytest.approx(0.125)
    assert trivial_loss(y, "cross_entropy", 4) == pytest.approx(math.log(2))


def test_targets_that_are_not_finite_do_not_count():
    y = np.array([[1.0], [3.0], [math.nan], [math.inf]])

    assert trivial_loss(y, "mse", 1) == 1
    assert math.isnan(trivial_loss(y[2:], "mse", 1))
