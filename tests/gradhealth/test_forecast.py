"""Verdicts of theory alone, on specs."""

import base64
import io

import numpy as np
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


def test_growth_in_time_is_seen_beyond_the_lag_that_is_needed():
    wild = {"match": "RNN.weight_hh*", "fn": "orthogonal_", "gain": 3.0}
    spec = recall("RNN", wild, lag=5)
    spec["model"][0]["nonlinearity"] = "relu"

    assert predicted(spec).primary == "temporal_exploding_gradient"


@pytest.mark.parametrize(
    "rule",
    [
        {"match": "Linear.*", "value": 0.0},
        {"match": "model.0.0.body.0.bias", "value": -300.0},
    ],
)
def test_where_no_gradient_passes_no_share_of_it_is_told(rule):
    result = predicted(mlp("ReLU", 2, HE, rule))

    assert "No gradient passes" in result.summary
    assert "model.0.0.body.0" in result.summary


def test_the_depth_of_a_linear_network_is_judged():
    deep = {"repeat": 30, "body": [{"type": "Linear", "out_features": 64}]}
    spec = mlp("ReLU", 1, {"match": "Linear.weight", "fn": "orthogonal_"})
    spec["model"][0] = deep
    small = spec | {"init": [spec["init"][0] | {"gain": 0.5}]}

    assert predicted(spec).verdict == "healthy"
    assert predicted(small).primary == "vanishing_gradient"


def test_init_rules_that_match_nothing_are_told():
    result = predicted(mlp("ReLU", 4, {"match": "Conv2d.weight", "fn": "zeros_"}))

    assert any("'Conv2d.weight' matches no parameter" in n for n in result.notes)


def test_the_size_of_token_numbers_is_no_caveat():
    buffer = io.BytesIO()
    np.save(buffer, np.arange(40_000).reshape(100, 400))
    tokens = {"npy": base64.b64encode(buffer.getvalue()).decode()}
    spec = {
        "data": {"task": "language_model", "x": tokens, "y": tokens},
        "model": [
            {"type": "Embedding", "embedding_dim": 8},
            {"type": "Linear", "out_features": 8},
            {"type": "ReLU"},
            {"type": "Linear", "out_features": 40_000},
        ],
    }

    assert not any("mean square" in note for note in predicted(spec).notes)
