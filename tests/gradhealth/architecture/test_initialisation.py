"""Which rules fill which parameters."""

from typing import Any

import pytest

from gradhealth.architecture.expansion import Node
from gradhealth.architecture.initialisation import (
    GATES,
    fills,
    gate_rules,
    rule_for,
    sets_gate,
    unmatched,
)
from gradhealth.architecture.network import Network, resolve
from gradhealth.schemas.training import InitRule
from tests.support.specs import LINEAR, classify, problems_in

RECALL = {"data": {"task": "recall"}}


def node_of(layer: dict[str, Any], **spec: Any) -> Node:
    return resolve(classify(layer, **spec)).nodes[0]


def recurrent(kind: str = "LSTM", **fields: Any) -> Node:
    layer = {"type": kind, "hidden_size": 4, "return": "last", **fields}
    return resolve({**RECALL, "model": [layer, LINEAR]}).nodes[0]


def rule(match: str, **fields: Any) -> InitRule:
    return InitRule(match=match, **(fields or {"value": 0.0}))


@pytest.mark.parametrize(
    "match",
    ["*", "Linear.weight", "Linear.*", "*.weight", "L?near.w[aeiou]ight", "model.0.*"],
)
def test_globs_match_types_and_paths(match):
    assert fills(rule(match), node_of(LINEAR), "weight")


@pytest.mark.parametrize(
    "match",
    ["linear.weight", "Linear", "weight", "Linear.bias", "model.1.*", "model.0.", ""],
)
def test_other_globs_do_not_match(match):
    assert not fills(rule(match), node_of(LINEAR), "weight")


def test_rules_come_in_order():
    rules = [rule("Linear.*"), rule("Tanh.*"), rule("*.weight")]

    assert rule_for(rules, node_of(LINEAR), "weight") == [rules[0], rules[2]]
    assert rule_for(rules, node_of(LINEAR), "bias") == [rules[0]]


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("LSTM", "LSTM.forget_bias"),
        ("LSTM", "*.forget_bias"),
        ("LSTM", "model.0.forget_bias"),
        ("GRU", "GRU.update_bias"),
    ],
)
def test_gate_biases_have_a_name_of_their_own(kind, match):
    assert sets_gate(rule(match, value=1.0), recurrent(kind))


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("LSTM", "*"),
        ("LSTM", "LSTM.*"),
        ("LSTM", "LSTM.forget_bia?"),
        ("LSTM", "LSTM.update_bias"),
        ("GRU", "LSTM.forget_bias"),
        ("RNN", "*.forget_bias"),
    ],
)
def test_wildcards_and_other_layers_set_no_gate(kind, match):
    assert gate_rules([rule(match, value=1.0)], recurrent(kind)) == []


def test_a_layer_without_biases_has_no_gate_bias():
    assert not sets_gate(rule("LSTM.forget_bias"), recurrent(bias=False))


def test_gates_are_blocks_of_rows_in_torch_s_order():
    assert (GATES["LSTM"].index, GATES["GRU"].index) == (1, 1)


def left_over(document: dict[str, Any]) -> list[str]:
    network: Network = resolve(document)
    rules = unmatched(network.spec.init, list(network.walk()))
    return [rule.match for rule in rules]


def test_rules_that_match_nothing_are_found():
    matches = ["Linear.weight", "Conv2d.weight", "*.forget_bias", "model.9.*"]
    init = [{"match": match, "value": 0.0} for match in matches]

    assert left_over(classify(init=init)) == matches[1:]


def test_rules_that_match_inside_a_composite_are_used():
    block = {"type": "Residual", "body": [LINEAR]}
    init = [{"match": f"model.0.{slot}.0.weight", "value": 0.0} for slot in SLOTS]

    assert left_over(classify(block, init=init)) == []


SLOTS = ("body", "shortcut")


@pytest.mark.parametrize(
    ("match", "fn"),
    [
        ("Linear.bias", "xavier_uniform_"),
        ("Linear.bias", "kaiming_normal_"),
        ("*", "lecun_normal_"),
        ("Linear.weight", "dirac_"),
        ("Conv2d.weight", "eye_"),
        ("Conv2d.weight", "sparse_"),
        ("BatchNorm2d.weight", "orthogonal_"),
        ("BatchNorm2d.weight", "lsuv_"),
    ],
)
def test_functions_that_cannot_fill_a_parameter_are_refused(match, fn):
    arguments = {"sparsity": 0.5} if fn == "sparse_" else {}
    conv = {"type": "Conv2d", "out_channels": 4, "kernel_size": 3}
    document = {
        "data": {"task": "images"},
        "model": [conv, {"type": "BatchNorm2d"}, {"type": "Flatten"}, LINEAR],
        "init": [
            {"match": "*.bias", "value": 0.0},
            {"match": match, "fn": fn, **arguments},
        ],
    }

    (problem,) = problems_in(document)

    assert problem.pointer == "/init/1"
    assert "narrow the match" in problem.message


def test_groups_of_dirac_must_divide_the_channels():
    conv = {"type": "Conv1d", "out_channels": 4, "kernel_size": 3}
    init = [{"match": "Conv1d.weight", "fn": "dirac_", "groups": 3}]
    model = [conv, {"type": "MeanPool"}, LINEAR]

    (problem,) = problems_in({**RECALL, "model": model, "init": init})

    assert "groups must divide 4" in problem.message


def test_lsuv_is_for_linear_layers_and_convolutions():
    document = classify(
        {"type": "PReLU"}, init=[{"match": "Linear.weight", "fn": "lsuv_"}]
    )

    assert problems_in(document) == []


def test_gate_biases_take_a_number():
    model = [{"type": "LSTM", "hidden_size": 4, "return": "last"}, LINEAR]
    init = [{"match": "LSTM.forget_bias", "fn": "ones_"}]

    (problem,) = problems_in({**RECALL, "model": model, "init": init})

    assert (
        problem.message == "forget_bias takes a number: write 'value' in place of 'fn'"
    )
