"""Repeats, refs and composites, unrolled into nodes with paths."""

from typing import Any

import pytest

from gradhealth.architecture.expansion import Node
from gradhealth.architecture.network import resolve
from tests.support.specs import LINEAR, classify, problems_in

WIDE = {"type": "Linear", "out_features": 16}
RELU = {"type": "ReLU"}


def nodes_of(*layers: Any, **fields: Any) -> dict[str, Node]:
    """Nodes by path."""
    return {node.path: node for node in resolve(classify(*layers, **fields)).walk()}


def test_an_iteration_of_a_repeat_follows_its_index():
    nodes = nodes_of(RELU, {"repeat": 18, "body": [LINEAR, RELU]})

    assert "model.1.17.body.1" in nodes
    assert "model.1.18.body.0" not in nodes
    assert nodes["model.1.17.body.1"].pointer == "/model/1/body/1"


def test_repeats_nest():
    inner = {"repeat": 2, "body": [RELU]}

    nodes = nodes_of({"repeat": 3, "body": [inner, LINEAR]})

    assert [path for path in nodes if path.startswith("model.0.2")] == [
        "model.0.2.body.0.0.body.0",
        "model.0.2.body.0.1.body.0",
        "model.0.2.body.1",
    ]


def test_slots_of_a_residual_are_part_of_the_path():
    block = {"type": "Residual", "body": [LINEAR], "shortcut": [LINEAR], "post": [RELU]}

    nodes = nodes_of(block)

    assert list(nodes) == [
        "model.0",
        "model.0.body.0",
        "model.0.shortcut.0",
        "model.0.post.0",
        "model.1",
    ]


def test_an_automatic_shortcut_is_the_identity_where_shapes_agree():
    nodes = nodes_of({"type": "Residual", "body": [WIDE]})

    assert "model.0.shortcut.0" not in nodes


def test_an_automatic_shortcut_projects_where_they_do_not():
    nodes = nodes_of({"type": "Residual", "body": [LINEAR, RELU]})

    shortcut = nodes["model.0.shortcut.0"]
    assert shortcut.automatic
    assert shortcut.layer.kind == "Linear"
    assert dict(shortcut.parameters) == {"weight": (4, 16)}


def test_an_automatic_shortcut_of_images_takes_the_stride():
    conv = {
        "type": "Conv2d",
        "out_channels": 8,
        "kernel_size": 3,
        "stride": 2,
        "padding": 1,
    }
    model = [{"type": "Residual", "body": [conv]}, {"type": "Flatten"}, LINEAR]

    nodes = {
        node.path: node
        for node in resolve({"data": {"task": "images"}, "model": model}).walk()
    }

    shortcut = nodes["model.0.shortcut.0"]
    assert shortcut.output == nodes["model.0.body.0"].output
    assert dict(shortcut.parameters) == {"weight": (8, 1, 1, 1)}


def test_branches_are_numbered():
    block = {"type": "Parallel", "branches": [[RELU], [WIDE, RELU]]}

    assert {"model.0.branches.0.0", "model.0.branches.1.1"} <= set(nodes_of(block))


def test_a_ref_counts_as_its_body():
    define = {"block": {"body": [LINEAR, RELU]}}

    nodes = nodes_of({"ref": "block"}, define=define)

    assert list(nodes) == ["model.0.body.0", "model.0.body.1", "model.1"]
    assert nodes["model.0.body.1"].pointer == "/define/block/body/1"


def test_arguments_fill_parameters_and_defaults_fill_the_rest():
    body = [{"type": "Linear", "out_features": "$width"}, {"type": "$act"}]
    define = {"block": {"params": {"width": 3, "act": "Tanh"}, "body": body}}

    nodes = nodes_of(
        {"ref": "block", "args": {"width": 7}}, {"ref": "block"}, define=define
    )

    assert nodes["model.0.body.0"].output.dims == (7,)
    assert nodes["model.0.body.1"].layer.kind == "Tanh"
    assert nodes["model.1.body.0"].output.dims == (3,)


def test_a_parameter_may_stand_for_a_repetition_or_a_whole_body():
    define = {
        "tower": {
            "params": {"times": 2, "block": [RELU]},
            "body": [{"repeat": "$times", "body": "$block"}],
        }
    }

    nodes = nodes_of(
        {"ref": "tower", "args": {"times": 3, "block": [WIDE, RELU]}}, define=define
    )

    assert "model.0.body.0.2.body.1" in nodes


def test_definitions_use_definitions():
    define = {
        "inner": {
            "params": {"width": 2},
            "body": [{"type": "Linear", "out_features": "$width"}],
        },
        "outer": {
            "params": {"width": 5},
            "body": [
                {"type": "Residual", "body": [{"ref": "inner", "args": {"width": 16}}]},
                {"ref": "inner", "args": {"width": "$width"}},
            ],
        },
    }

    nodes = nodes_of({"ref": "outer", "args": {"width": 9}}, define=define)

    assert nodes["model.0.body.0.body.0.body.0"].output.dims == (16,)
    assert nodes["model.0.body.1.body.0"].output.dims == (9,)


def test_an_unused_definition_is_not_expanded():
    define = {"broken": {"body": [{"type": "Nonsense"}]}}

    assert problems_in(classify(define=define)) == []


@pytest.mark.parametrize("place", ["out_features", "in_features"])
def test_a_body_nested_beyond_reason_is_refused(place):
    value: Any = 3
    for _ in range(10_000):
        value = [value]
    define = {"block": {"body": [{**LINEAR, place: value}]}}

    (problem,) = problems_in(classify({"ref": "block"}, define=define))

    assert "nested more than 200 deep" in problem.message


def test_aliases_resolve_to_the_layer_s_own_name():
    (layer, *_) = nodes_of({"type": "Swish"}).values()

    assert layer.layer.kind == "SiLU"
