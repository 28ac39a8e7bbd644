"""Verdicts of theory alone, on specs."""

import pytest

from gradhealth.architecture.limits import UNLIMITED
from gradhealth.architecture.network import resolve
from gradhealth.forecast import forecast

HE = {"match": "Linear.weight", "fn": "kaiming_normal_", "nonlinearity": "relu"}


def mlp(activation, depth, *rules, **training):
    body = [{"type": "Linear", "out_features": 64}, {"type": activation}]
    return {
        "input": {"shape": [64]},
        "data": {"task": "digits"},
        "model": [
            {"repeat": depth, "body": body},
            {"type": "Linear", "out_features": 10},
        ],
        "init": list(rules),
        "training": training,
    }


def recall(layer, *rules, lag=40):
    return {
        "data": {"task": "recall", "length": 40, "lag": lag},
        "model": [
            {"type": layer, "hidden_size": 32, "return": "last"},
            {"type": "Linear", "out_features": 4},
        ],
        "init": list(rules),
    }


def predicted(spec):
    return forecast(resolve(spec, UNLIMITED))


@pytest.mark.parametrize(
    "spec",
    [
        mlp("ReLU", 20, HE),
        mlp("SELU", 20, {"match": "Linear.weight", "fn": "lecun_normal_"}),
        mlp("Sigmoid", 2),
        recall("LSTM", {"match": "LSTM.forget_bias", "value": 5.0}),
    ],
)
def test_what_keeps_its_gradient_is_not_alarmed(spec):
    result = predicted(spec)

    assert result.verdict == "healthy"
    assert not result.findings


def test_a_single_layer_leaves_the_verdict_open():
    result = predicted(mlp("ReLU", 1, HE))

    assert result.verdict == "insufficient_data"
    assert "architecture" in result.summary


@pytest.mark.parametrize(
    ("spec", "primary", "cause"),
    [
        (mlp("Sigmoid", 20), "vanishing_gradient", "activation"),
        (mlp("ReLU", 20), "vanishing_gradient", "initialisation"),
        (
            mlp("ReLU", 20, {"match": "Linear.weight", "fn": "normal_", "std": 0.5}),
            "exploding_gradient",
            "initialisation",
        ),
        (recall("LSTM"), "temporal_vanishing_gradient", "recurrence"),
    ],
)
def test_predicted_decay_and_growth_are_warnings_with_a_cause(spec, primary, cause):
    result = predicted(spec)

    assert (result.verdict, result.primary) == ("warning", primary)
    assert result.findings[0].cause.kind == cause
    assert 0.3 < result.findings[0].confidence <= 0.5


def test_what_theory_cannot_see_is_said():
    result = predicted(mlp("ReLU", 20, HE, optimizer={"type": "SGD", "lr": 1e9}))

    assert result.verdict == "healthy"
    assert "learning rate" in result.notes[0]
