"""Variances that defaults and init rules give a parameter."""

import math

import pytest

from gradhealth.architecture.network import Node, resolve
from gradhealth.theory.initial import law_of

LINEAR = {"type": "Linear", "out_features": 30}


def _node(layer, *, data=None, rules=()) -> tuple[list, Node]:
    readout = {"type": "Linear", "out_features": 2 if data else 1}
    spec = {
        "data": data or {"task": "regression", "features": 20},
        "model": [layer, {"type": "Flatten"}, readout],
        "init": list(rules),
    }
    network = resolve(spec)
    return network.spec.init, network.nodes[0]


def _law(parameter, *rules, layer=LINEAR, data=None, gate=None):
    init, node = _node(layer, data=data, rules=rules)
    return law_of(init, node, parameter, gate=gate)


def test_torch_s_default_is_a_third_of_lecun_s_variance():
    assert _law("weight").variance == pytest.approx(1 / 60)
    assert _law("bias").variance == pytest.approx(1 / 60)


def test_a_missing_bias_is_zero():
    assert _law("bias", layer={**LINEAR, "bias": False}).square == 0


@pytest.mark.parametrize(
    ("fn", "arguments", "variance"),
    [
        ("xavier_normal_", {}, 2 / 50),
        ("xavier_uniform_", {"gain": 2.0}, 8 / 50),
        ("kaiming_normal_", {}, 2 / 20),
        ("kaiming_normal_", {"nonlinearity": "relu", "mode": "fan_out"}, 2 / 30),
        ("kaiming_uniform_", {"a": math.sqrt(5)}, 1 / 60),
        ("kaiming_uniform_", {"nonlinearity": "tanh"}, 25 / 9 / 20),
        ("kaiming_normal_", {"nonlinearity": "selu"}, 9 / 16 / 20),
        ("kaiming_normal_", {"nonlinearity": "linear", "gain": 3.0}, 9 / 20),
        ("lecun_normal_", {}, 1 / 20),
        ("lecun_normal_", {"gain": 0.5}, 1 / 80),
        ("orthogonal_", {}, 1 / 30),
        ("orthogonal_", {"gain": 2.0}, 4 / 30),
        ("normal_", {"std": 0.3}, 0.09),
        ("uniform_", {"a": -0.6, "b": 0.6}, 0.12),
        ("trunc_normal_", {"std": 0.5}, 0.25 * 0.9989),
        ("trunc_normal_", {"std": 1.0, "a": -1.0, "b": 1.0}, 0.2911),
        ("trunc_normal_", {"std": 1e4, "a": -1.0, "b": 1.0}, 1 / 3),
        ("trunc_normal_", {"std": 1e9, "a": -3.0, "b": 3.0}, 3),
        ("sparse_", {"sparsity": 0.5, "std": 1.0}, 0.5),
        ("zeros_", {}, 0),
    ],
)
def test_each_function_gives_its_variance(fn, arguments, variance):
    law = _law("weight", {"match": "Linear.weight", "fn": fn, **arguments})

    assert law.variance == pytest.approx(variance, rel=1e-3)
    assert law.mean == pytest.approx(0)


@pytest.mark.parametrize(
    ("rule", "mean"),
    [
        ({"value": -8.0}, -8),
        ({"fn": "constant_", "val": 0.25}, 0.25),
        ({"fn": "ones_", "gain": 3.0}, 3),
        ({"fn": "uniform_"}, 0.5),
        ({"fn": "normal_", "mean": 1.5}, 1.5),
        ({"fn": "trunc_normal_", "mean": 0.0, "a": 0.0, "b": 9.0}, 0.7979),
    ],
)
def test_means_are_kept(rule, mean):
    law = _law("bias", {"match": "Linear.bias", **rule})

    assert law.mean == pytest.approx(mean, rel=1e-3)


def test_later_rules_overwrite_earlier_ones():
    rules = [
        {"match": "*.weight", "fn": "normal_", "std": 5.0},
        {"match": "model.0.weight", "fn": "lecun_normal_"},
        {"match": "Tanh.weight", "value": 7.0},
    ]

    assert _law("weight", *rules).variance == pytest.approx(1 / 20)


def test_identities_are_told_from_random_weights():
    law = _law("weight", {"match": "*.weight", "fn": "eye_", "gain": 0.9})

    assert (law.identity, law.square) == (0.9, 0)


RECALL = {"task": "recall", "length": 9, "features": 4, "classes": 2}


def test_convolutions_count_their_window_and_groups():
    layer = {"type": "Conv1d", "out_channels": 8, "kernel_size": 5, "groups": 2}

    assert _law("weight", layer=layer, data=RECALL).variance == pytest.approx(1 / 30)


def test_automatic_shortcuts_start_with_lecun():
    block = {"type": "Residual", "body": [LINEAR]}
    init, node = _node(block)

    law = law_of(init, node.children["shortcut"][0], "weight")

    assert law.variance == pytest.approx(1 / 20)


LSTM = {"type": "LSTM", "hidden_size": 6}
GRU = {"type": "GRU", "hidden_size": 6}


@pytest.mark.parametrize("parameter", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0"])
def test_recurrent_defaults_follow_the_hidden_size(parameter):
    law = _law(parameter, layer=LSTM, data=RECALL)

    assert law.variance == pytest.approx(1 / 18)


def test_rules_fill_each_gate_of_a_recurrent_weight():
    rule = {"match": "LSTM.weight_hh*", "fn": "orthogonal_"}

    # Of [24, 6], each [6, 6] block is orthogonal.
    law = _law("weight_hh_l0", rule, layer=LSTM, data=RECALL)

    assert law.variance == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    ("layer", "match"), [(LSTM, "LSTM.forget_bias"), (GRU, "model.0.update_bias")]
)
def test_gate_biases_are_set_for_their_gate_alone(layer, match):
    rule = {"match": match, "value": 3.0}

    gate, other = (
        _law("bias_ih_l0", rule, layer=layer, data=RECALL, gate=gate) for gate in (1, 0)
    )
    recurrent = _law("bias_hh_l0", rule, layer=layer, data=RECALL, gate=1)

    assert (gate.mean, gate.variance) == (3, 0)
    assert (other.mean, other.variance) == (0, pytest.approx(1 / 18))
    assert recurrent.square == 0


def test_gate_biases_keep_their_place_among_the_rules():
    gate = {"match": "LSTM.forget_bias", "value": 3.0}
    every = {"match": "LSTM.bias*", "fn": "zeros_"}

    first = _law("bias_ih_l0", gate, every, layer=LSTM, data=RECALL, gate=1)
    last = _law("bias_ih_l0", every, gate, layer=LSTM, data=RECALL, gate=1)

    assert (first.mean, last.mean) == (0, 3)


@pytest.mark.parametrize(
    ("layer", "parameter", "mean", "variance"),
    [
        ({"type": "LayerNorm"}, "weight", 1, 0),
        ({"type": "LayerNorm"}, "bias", 0, 0),
        ({"type": "PReLU", "init": 0.1}, "weight", 0.1, 0),
        ({"type": "Scale", "value": 0.5, "learn": True}, "scale", 0.5, 0),
        ({"type": "PositionalEmbedding", "std": 0.2}, "weight", 0, 0.04),
        ({"type": "SelfAttention", "num_heads": 2}, "in_proj_weight", 0, 2 / 16),
        ({"type": "SelfAttention", "num_heads": 2}, "in_proj_bias", 0, 0),
        ({"type": "SelfAttention", "num_heads": 2}, "out_proj.weight", 0, 1 / 12),
        ({"type": "TransformerEncoderLayer", "nhead": 2}, "linear1.bias", 0, 1 / 12),
        (
            {"type": "TransformerEncoderLayer", "nhead": 2},
            "self_attn.out_proj.weight",
            0,
            1 / 12,
        ),
        ({"type": "TransformerEncoderLayer", "nhead": 2}, "norm1.weight", 1, 0),
        (
            {"type": "Highway", "body": [{"type": "Tanh"}], "gate_bias": -2.0},
            "gate.bias",
            -2,
            0,
        ),
    ],
)
def test_other_layers_start_as_torch_starts_them(layer, parameter, mean, variance):
    law = _law(parameter, layer=layer, data=RECALL)

    assert law.mean == pytest.approx(mean)
    assert law.variance == pytest.approx(variance)
