"""Fixes that change how a network starts."""

import pytest

from gradhealth.architecture.network import resolve
from gradhealth.fixes.base import Case
from gradhealth.fixes.initialise_for_activation import InitialiseForActivation
from gradhealth.fixes.initialise_orthogonally import InitialiseOrthogonally
from gradhealth.fixes.initialise_recurrence import InitialiseRecurrence
from gradhealth.fixes.reset_biases import ResetBiases
from gradhealth.fixes.set_forget_bias import SetForgetBias
from gradhealth.fixes.use_gated_recurrence import UseGatedRecurrence
from tests.support.families import (
    FAMILIES,
    RELU,
    SIGMOID,
    TANH,
    finding,
    mlp,
    recurrent,
)

ZERO_BIASES = {"match": "Linear.bias", "fn": "zeros_"}


def offered(remedy, document, problem="vanishing_gradient"):
    """The candidates' specs by name."""
    case = Case(document, resolve(document), (finding(problem),))
    return {c.name: c.spec for c in remedy.candidates(case)}


def initialised(document, problem="vanishing_gradient"):
    """The init rules that suit the document's activation; null: it has them."""
    specs = offered(InitialiseForActivation(), document, problem)
    return specs["initialise_for_activation"]["init"] if specs else None


@pytest.mark.parametrize(
    ("activation", "law"),
    [
        (RELU, {"fn": "kaiming_normal_", "nonlinearity": "relu"}),
        (
            {"type": "LeakyReLU", "negative_slope": 0.3},
            {"fn": "kaiming_normal_", "a": 0.3, "nonlinearity": "leaky_relu"},
        ),
        ({"type": "ELU"}, {"fn": "lecun_normal_", "gain": 1.2234}),
        ({"type": "Softplus"}, {"fn": "lecun_normal_", "gain": 1.847}),
        (TANH, {"fn": "lecun_normal_"}),
        (SIGMOID, {"fn": "xavier_normal_", "gain": 4.0}),
    ],
)
def test_each_activation_gets_its_law(activation, law):
    assert initialised(mlp(activation)) == [
        {"match": "Linear.weight"} | law,
        ZERO_BIASES,
    ]


def test_the_activation_used_most_decides():
    document = {
        "input": {"shape": [16]},
        "model": [*FAMILIES["mlp written out"]["model"][:-1], RELU],
    }
    document["model"] += [{"type": "Linear", "out_features": 4}]

    assert initialised(document)[0]["fn"] == "lecun_normal_"


def test_a_saturated_sigmoid_is_not_given_a_large_gain():
    law = initialised(mlp(SIGMOID), "saturated_activation")[0]

    assert law == {"match": "Linear.weight", "fn": "xavier_normal_"}


@pytest.mark.parametrize(
    "rule",
    [
        {"fn": "kaiming_normal_", "nonlinearity": "relu"},
        {"fn": "kaiming_uniform_"},
        {"fn": "kaiming_uniform_", "nonlinearity": "linear", "gain": 2**0.5},
    ],
)
def test_weights_that_follow_the_law_in_other_words_need_no_fix(rule):
    assert initialised(mlp(RELU, init=[{"match": "*.weight"} | rule])) is None


@pytest.mark.parametrize(
    "rule",
    [
        {"fn": "kaiming_normal_", "mode": "fan_out"},
        {"fn": "kaiming_normal_", "nonlinearity": "tanh"},
        {"fn": "kaiming_normal_", "nonlinearity": "selu"},
        {"fn": "normal_", "std": 0.3},
        {"value": 0.1},
    ],
)
def test_weights_that_follow_another_law_make_room_for_it(rule):
    rules = initialised(mlp(RELU, init=[{"match": "Linear.weight"} | rule]))

    assert [r["match"] for r in rules] == ["Linear.weight", "Linear.bias"]
    assert rules[0]["fn"] == "kaiming_normal_"


def test_rules_that_still_matter_are_kept_and_do_not_overrule():
    norm_rule = {"match": "*.weight", "fn": "ones_"}
    document = mlp({"type": "LayerNorm"}, RELU, init=[norm_rule, ZERO_BIASES])

    assert initialised(document) == [
        norm_rule,
        {"match": "Linear.weight", "fn": "kaiming_normal_", "nonlinearity": "relu"},
        ZERO_BIASES,
    ]


def test_orthogonal_weights_allow_for_relu_and_are_for_plain_sequences():
    relu = offered(InitialiseOrthogonally(), mlp(RELU))
    skips = offered(InitialiseOrthogonally(), FAMILIES["resnet without norms"])

    rule = relu["initialise_orthogonally"]["init"][0]
    assert rule == {"match": "Linear.weight", "fn": "orthogonal_", "gain": 1.4142}
    assert skips == {}


def test_biases_are_reset_only_where_a_rule_set_them():
    far = [{"match": "Linear.*bias", "fn": "constant_", "val": -8.0}]

    specs = offered(ResetBiases(), mlp(RELU, init=far), "dead_relu")

    assert specs["reset_biases"]["init"] == [ZERO_BIASES]
    assert offered(ResetBiases(), mlp(RELU), "dead_relu") == {}
    for zero in ({"fn": "zeros_"}, {"fn": "constant_", "val": 0.0}, {"value": 0.0}):
        rule = {"match": "Linear.bias"} | zero
        assert offered(ResetBiases(), mlp(RELU, init=[rule]), "dead_relu") == {}


@pytest.mark.parametrize(
    ("length", "lag", "bias"), [(40, 40, 4.0), (40, 3, 3.0), (999, None, 5.0)]
)
def test_gates_open_for_as_long_as_the_task_needs(length, lag, bias):
    data = {"task": "recall", "length": length} | ({"lag": lag} if lag else {})

    specs = offered(
        SetForgetBias(),
        recurrent({"type": "LSTM"}, data=data),
        "temporal_vanishing_gradient",
    )

    rule = {"match": "LSTM.forget_bias", "value": bias}
    assert specs["set_forget_bias"]["init"] == [rule]


def test_without_a_lag_gates_open_for_the_whole_sequence():
    document = recurrent({"type": "GRU"}, data={"task": "adding", "length": 50})
    document["model"][-1] = {"type": "Linear", "out_features": 1}

    specs = offered(SetForgetBias(), document, "temporal_vanishing_gradient")

    rule = {"match": "GRU.update_bias", "value": 4.0}
    assert specs["set_forget_bias"]["init"] == [rule]


def test_an_rnn_becomes_gated_with_an_open_gate_and_steady_steps():
    document = recurrent(
        {"type": "RNN", "nonlinearity": "relu"},
        init=[{"match": "RNN.weight_hh*", "fn": "eye_"}],
        training={"optimizer": {"type": "SGD", "lr": 0.1}},
    )

    specs = offered(UseGatedRecurrence(), document, "temporal_vanishing_gradient")

    spec = specs["use_gated_recurrence_lstm"]
    assert spec["model"][0] == {"type": "LSTM", "hidden_size": 8, "return": "last"}
    assert spec["init"] == [{"match": "LSTM.forget_bias", "value": 3.0}]
    assert spec["training"]["optimizer"]["type"] == "Adam"
    assert spec["training"]["clip_grad_norm"] == 1.0


def test_an_optimizer_other_than_sgd_stays():
    adam = {"optimizer": {"type": "Adam", "lr": 0.01}}

    specs = offered(
        InitialiseRecurrence(),
        recurrent({"type": "RNN"}, training=adam),
        "temporal_vanishing_gradient",
    )

    assert specs["initialise_recurrence_orthogonal"]["training"] == adam


def test_an_identity_recurrence_needs_relu_and_small_inputs():
    specs = offered(
        InitialiseRecurrence(),
        recurrent({"type": "RNN"}),
        "temporal_vanishing_gradient",
    )

    spec = specs["initialise_recurrence_identity"]
    assert spec["model"][0]["nonlinearity"] == "relu"
    assert [rule["fn"] for rule in spec["init"]] == ["eye_", "normal_", "zeros_"]


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_the_snippet_for_gates_speaks_of_every_layer_of_the_stack(kind):
    document = {
        "data": {"task": "recall"},
        "model": [
            {"type": kind, "hidden_size": 8, "num_layers": 2, "return": "last"},
            {"type": "Linear", "out_features": 4},
        ],
    }
    found = (finding("temporal_vanishing_gradient"),)
    case = Case(document, resolve(document), found)

    [candidate] = SetForgetBias().candidates(case)

    assert "for name, bias in rnn.named_parameters()" in candidate.snippet
