"""Fixes that change activations, norms and skips: what they touch and what not."""

import pytest

from gradhealth.architecture.network import resolve
from gradhealth.fixes.add_normalisation import AddNormalisation
from gradhealth.fixes.add_residual import AddResidual
from gradhealth.fixes.base import Case
from gradhealth.fixes.normalise_first import NormaliseFirst
from gradhealth.fixes.replace_activation import ReplaceActivation
from gradhealth.fixes.scale_residual import ScaleResidual
from tests.support.families import (
    CONV,
    FAMILIES,
    POOLED,
    RELU,
    SIGMOID,
    TANH,
    finding,
    linear,
    mlp,
    repeated,
    residual,
)

NORM = {"type": "BatchNorm1d"}
HE = {"fn": "kaiming_normal_", "nonlinearity": "relu"}


def offered(remedy, document, problem="vanishing_gradient"):
    """The candidates' specs by name."""
    case = Case(document, resolve(document), (finding(problem),))
    return {c.name: c.spec for c in remedy.candidates(case)}


def test_an_activation_is_replaced_inside_its_repeat_with_matching_weights():
    specs = offered(ReplaceActivation(), FAMILIES["mlp with a repeat"])

    spec = specs["replace_activation_relu"]
    assert spec["model"] == [repeated(12, linear(), RELU), linear(4)]
    assert spec["init"] == [
        {"match": "Linear.weight"} | HE,
        {"match": "Linear.bias", "fn": "zeros_"},
    ]


def test_an_activation_that_is_a_parameter_of_a_definition_is_replaced():
    specs = offered(ReplaceActivation(), FAMILIES["definitions"])

    definitions = specs["replace_activation_relu"]["define"]
    assert definitions["block"]["body"][1] == RELU
    assert definitions["any"]["body"][1] == RELU
    assert definitions["unused"]["body"][1] == SIGMOID


def test_gates_and_outputs_keep_their_sigmoid():
    gated = offered(ReplaceActivation(), FAMILIES["gated feed-forward"])
    squashing = offered(ReplaceActivation(), FAMILIES["output that squashes"])

    block = gated["replace_activation_relu"]["model"][0]["body"]
    assert block[0]["branches"][0] == [linear(), SIGMOID]
    assert block[1] == RELU
    assert squashing["replace_activation_tanh"]["model"][-1] == SIGMOID


def test_the_activation_that_is_there_is_not_offered():
    assert "replace_activation_relu" not in offered(ReplaceActivation(), mlp(RELU))


@pytest.mark.parametrize("family", ["resnet with norms", "resnet without norms"])
def test_selu_is_not_offered_beside_norms_and_skips(family):
    specs = offered(ReplaceActivation(), FAMILIES[family])

    assert "replace_activation_elu" in specs
    assert "replace_activation_selu" not in specs


def test_selu_is_not_offered_beside_dropout():
    document = mlp(TANH, {"type": "Dropout"})

    assert "replace_activation_selu" not in offered(ReplaceActivation(), document)


def test_a_norm_stands_behind_each_hidden_weight_and_not_behind_the_read_out():
    spec = offered(AddNormalisation(), mlp(SIGMOID))["add_normalisation"]

    assert spec["model"] == [repeated(12, linear(), NORM, SIGMOID), linear(4)]


def test_a_norm_with_relu_replaces_the_activation():
    specs = offered(AddNormalisation(), mlp(SIGMOID))

    spec = specs["add_normalisation_relu"]
    assert spec["model"][0]["body"] == [linear(), NORM, RELU]
    assert {"match": "Linear.weight"} | HE in spec["init"]


def test_norms_that_need_no_batch_are_offered_beside_batch_norm():
    vectors = offered(AddNormalisation(), mlp(SIGMOID))
    images = offered(AddNormalisation(), FAMILIES["cnn"])

    bodies = {name: spec["model"][0]["body"] for name, spec in vectors.items()}
    layer_norm, rms_norm = {"type": "LayerNorm"}, {"type": "RMSNorm"}
    assert bodies["add_normalisation_layer_norm"] == [linear(), layer_norm, SIGMOID]
    assert bodies["add_normalisation_rms_norm"] == [linear(), rms_norm, SIGMOID]
    group_norm = images["add_normalisation_group_norm"]["model"][1]
    assert group_norm["type"] == "GroupNorm"


def test_images_get_batch_norm_and_small_batches_one_that_needs_no_batch():
    large = offered(AddNormalisation(), FAMILIES["cnn"])
    small = offered(AddNormalisation(), FAMILIES["cnn with small batches"])

    assert large["add_normalisation"]["model"][1] == {"type": "BatchNorm2d"}
    group_norm = {"type": "GroupNorm", "num_groups": 1}
    assert small["add_normalisation"]["model"][0]["body"][1] == group_norm


def test_layers_with_a_norm_before_or_behind_them_get_no_second_one():
    behind = FAMILIES["resnet with norms"]
    before = FAMILIES["transformer written out"]

    body = offered(AddNormalisation(), behind).get("add_normalisation", behind)
    assert body["model"][1] == behind["model"][1]
    assert offered(AddNormalisation(), before) == {}


def test_a_convolution_that_reads_out_gets_no_norm():
    document = {
        "input": {"shape": [1, 8, 8]},
        "model": [CONV, RELU, CONV | {"out_channels": 4}, RELU, *POOLED],
    }

    spec = offered(AddNormalisation(), document)["add_normalisation"]

    assert spec["model"][1] == {"type": "BatchNorm2d"}
    assert spec["model"][3:] == document["model"][2:]


def test_skips_are_scaled_by_the_number_of_blocks():
    spec = offered(AddResidual(), mlp(TANH, repeat=16))["add_residual_scaled"]

    block = residual(linear(), TANH, scale=0.25)
    assert spec["model"] == [repeated(16, block), linear(4)]


def test_a_skip_comes_with_norm_relu_and_he_where_asked():
    spec = offered(AddResidual(), mlp(TANH, repeat=16))["add_residual_norm_relu"]

    block = residual(linear(), NORM, RELU, scale=0.25)
    assert spec["model"] == [repeated(16, block), linear(4)]
    assert {"match": "Linear.weight"} | HE in spec["init"]


def test_skipinit_starts_branches_at_zero():
    spec = offered(AddResidual(), mlp(TANH))["add_residual_skip_init"]

    assert spec["model"][0]["body"] == [
        residual(linear(), TANH, scale=0.0, learn_scale=True)
    ]


def test_layers_that_change_the_shape_are_not_wrapped():
    document = {
        "input": {"shape": [16]},
        "model": [
            *[linear(8), TANH],
            repeated(4, linear(8), TANH),
            *[linear(12), TANH],
            linear(4),
        ],
    }

    spec = offered(AddResidual(), document)["add_residual_scaled"]

    assert spec["model"][:2] == document["model"][:2]
    assert spec["model"][2]["body"][0]["type"] == "Residual"
    assert spec["model"][3:] == document["model"][3:]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(mlp(TANH, repeat=2), id="shallow"),
        pytest.param(FAMILIES["resnet without norms"], id="has skips"),
    ],
)
def test_no_skips_where_they_make_no_sense(document):
    assert offered(AddResidual(), document) == {}


def test_unscaled_skips_are_scaled():
    document = mlp(residual(linear(), RELU), repeat=25)
    bare = {**document, "model": [repeated(25, residual(linear(), RELU)), linear(4)]}

    specs = offered(ScaleResidual(), bare, "exploding_gradient")

    scaled = residual(linear(), RELU, scale=0.2)
    assert specs["scale_residual"]["model"][0]["body"] == [scaled]
    started_at_zero = residual(linear(), RELU, scale=0.0, learn_scale=True)
    assert specs["scale_residual_skip_init"]["model"][0]["body"] == [started_at_zero]


@pytest.mark.parametrize(
    "block",
    [
        residual(linear(), NORM, RELU),
        residual(linear(), RELU, scale=0.1),
        residual(linear(), RELU, post=[{"type": "LayerNorm"}]),
    ],
    ids=["norm in the branch", "scaled", "norm behind"],
)
def test_skips_that_are_tamed_already_stay(block):
    document = mlp(block, repeat=8)

    assert offered(ScaleResidual(), document, "exploding_gradient") == {}


def test_transformer_layers_become_pre_norm():
    document = FAMILIES["transformer of torch"]

    specs = offered(NormaliseFirst(), document, "exploding_gradient")

    assert specs["normalise_first"]["model"][1]["body"][0]["norm_first"] is True
