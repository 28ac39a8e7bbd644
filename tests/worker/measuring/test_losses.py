import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gradhealth.architecture.targets import Goal
from gradhealth.exceptions import JobError
from gradhealth.schemas.data import Adding, Clusters, MarkovLm
from gradhealth.schemas.training import Loss
from worker.measuring.losses import LossFunction, loss_function

CLASSES = torch.tensor([0, 2, 1])
ONE_HOT = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
LOGITS = torch.tensor([[0.5, -1.0, 2.0], [0.0, 3.0, 1.0], [1.0, 1.0, -2.0]])


def of_classes(loss: Loss, num_classes: int = 3) -> LossFunction:
    return loss_function(Goal(Clusters(), "classes", num_classes, (), loss))


def of_values(loss: Loss) -> LossFunction:
    return loss_function(Goal(Adding(), "values", 0, (1,), loss))


@pytest.mark.parametrize("loss", ["cross_entropy", "nll_of_softmax"])
def test_class_losses_are_the_cross_entropy(loss: Loss):
    expected = functional.cross_entropy(LOGITS, CLASSES)

    assert torch.allclose(of_classes(loss)(LOGITS, CLASSES), expected)


@pytest.mark.parametrize("loss", ["cross_entropy", "nll_of_softmax"])
def test_token_losses_are_means_over_positions(loss: Loss):
    goal = Goal(MarkovLm(), "tokens", 3, (2,), loss)
    output, target = torch.stack([LOGITS, LOGITS.flip(0)], 1), torch.ones(3, 2).long()

    value = loss_function(goal)(output, target)

    expected = functional.cross_entropy(output.reshape(6, 3), target.reshape(6))
    assert torch.allclose(value, expected)


def test_a_softmax_taken_apart_underflows_where_cross_entropy_does_not():
    logits = torch.tensor([[0.0, 200.0]])
    target = torch.tensor([0])

    assert of_classes("nll_of_softmax", 2)(logits, target).item() == math.inf
    assert of_classes("cross_entropy", 2)(logits, target).item() == 200


def test_mse_onehot_compares_the_sigmoid():
    value = of_classes("mse_onehot")(LOGITS, CLASSES)

    assert torch.allclose(value, (torch.sigmoid(LOGITS) - ONE_HOT).square().mean())


@pytest.mark.parametrize(
    ("loss", "output"), [("bce", torch.sigmoid(LOGITS)), ("bce_with_logits", LOGITS)]
)
def test_binary_losses_compare_each_class(loss: Loss, output: Tensor):
    p = torch.sigmoid(LOGITS)
    expected = -(ONE_HOT * p.log() + (1 - ONE_HOT) * (1 - p).log()).mean()

    assert torch.allclose(of_classes(loss)(output, CLASSES), expected)


def test_a_single_output_is_the_probability_of_class_1():
    output, target = torch.tensor([[0.25], [0.25]]), torch.tensor([1, 0])

    value = of_classes("bce", 2)(output, target)

    assert value.item() == pytest.approx(-(math.log(0.25) + math.log(0.75)) / 2)


def test_bce_says_when_the_output_is_no_probability():
    with pytest.raises(JobError, match="end with Sigmoid"):
        of_classes("bce")(LOGITS, CLASSES)


def test_bce_of_nan_is_nan():
    assert of_classes("bce")(LOGITS * math.nan, CLASSES).isnan()


def test_bce_of_a_saturated_sigmoid_has_a_finite_gradient():
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)

    of_classes("bce", 2)(torch.sigmoid(logits), torch.tensor([1])).backward()

    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(
    ("loss", "expected"), [("mse", 5.0), ("mae", 2.0), ("huber", 1.5)]
)
def test_value_losses(loss: Loss, expected: float):
    output, target = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [0.0]])

    assert of_values(loss)(output, target).item() == expected
