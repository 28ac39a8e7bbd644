"""Optimizers, schedules and init rules as they are written."""

from typing import Any

import pytest
from pydantic import ValidationError

from gradhealth.schemas.training import INIT_FUNCTIONS, InitRule, Training


def test_arguments_of_a_function_are_filled_with_its_defaults():
    rule = InitRule(match="*", fn="trunc_normal_", std=0.5)

    assert rule.arguments() == {"mean": 0.0, "std": 0.5, "a": -2.0, "b": 2.0}


def test_a_factor_is_an_argument_only_where_the_function_has_one():
    own = InitRule(match="*", fn="orthogonal_", gain=2.0)
    factor = InitRule(match="*", fn="normal_", gain=2.0)

    assert own.arguments() == {"gain": 2.0}
    assert "gain" not in factor.arguments()


NEEDED: dict[str, dict[str, Any]] = {
    "constant_": {"val": 1.0},
    "sparse_": {"sparsity": 0.1},
}


@pytest.mark.parametrize("fn", INIT_FUNCTIONS)
def test_every_function_can_be_written(fn):
    rule = InitRule(match="*", fn=fn, **NEEDED.get(fn, {}))

    assert set(rule.arguments()) == set(INIT_FUNCTIONS[fn])


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"fn": "zeros_", "value": 1.0},
        {"fn": "zero_"},
        {"fn": "zeros_", "std": 1.0},
        {"value": 1.0, "gain": 2.0},
        {"fn": "constant_"},
        {"fn": "sparse_"},
        {"fn": "sparse_", "sparsity": 1.5},
        {"fn": "normal_", "std": -1.0},
        {"fn": "uniform_", "a": 1.0, "b": 0.0},
        {"fn": "trunc_normal_", "a": 1.0, "b": 1.0},
        {"fn": "trunc_normal_", "std": 0.0},
        {"fn": "trunc_normal_", "mean": 9.0},
        {"fn": "kaiming_normal_", "mode": "fan_avg"},
        {"fn": "dirac_", "groups": 0},
    ],
)
def test_rules_that_torch_could_not_follow_are_refused(rule):
    with pytest.raises(ValidationError):
        InitRule.model_validate({"match": "*", **rule})


OPTIMIZERS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_known_by_its_torch_name(name):
    training = Training.model_validate({"optimizer": {"type": name, "lr": 0.5}})

    assert (training.optimizer.type, training.optimizer.lr) == (name, 0.5)


@pytest.mark.parametrize(
    "training",
    [
        {"optimizer": {"type": "SGD", "lr": -1.0}},
        {"optimizer": {"type": "SGD", "maximize": True}},
        {"optimizer": {"type": "SGD", "nesterov": True}},
        {"optimizer": {"type": "Adam", "betas": [0.9]}},
        {"optimizer": {"type": "Adam", "betas": [0.9, 1.0]}},
        {"optimizer": {"lr": 0.1}},
        {"schedule": {"type": "step"}},
        {"schedule": {"type": "cosine", "final_ratio": -0.1}},
        {"steps": 0},
        {"batch_size": 0},
        {"clip_grad_norm": 0.0},
        {"loss_scale": 0.0},
        {"l1": -1.0},
        {"precision": "float8"},
        {"loss": "hinge"},
        {"pretrain": {"type": "layerwise"}},
    ],
)
def test_trainings_that_make_no_sense_are_refused(training):
    with pytest.raises(ValidationError):
        Training.model_validate(training)


def test_nesterov_needs_only_momentum():
    sgd = {"type": "SGD", "momentum": 0.9, "nesterov": True}

    assert Training.model_validate({"optimizer": sgd}).optimizer.type == "SGD"
