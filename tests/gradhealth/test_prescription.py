"""Which candidates are offered, and in what order."""

import pytest

from gradhealth.architecture.network import resolve
from gradhealth.exceptions import InvalidDocumentError
from gradhealth.prescription import check_selection, prescribe
from gradhealth.schemas.analysis import FixSelection
from tests.support.families import (
    FAMILIES,
    RELU,
    SIGMOID,
    finding,
    mlp,
    repeated,
)

DEEP_SIGMOID = FAMILIES["mlp with a repeat"]


def prescribed(document, *findings, **selection):
    network = resolve(document)
    chosen = FixSelection(**selection) if selection else None
    return prescribe(document, network, findings, chosen)


def names(candidates):
    return [candidate.name for candidate in candidates]


def test_nothing_is_offered_for_a_healthy_network():
    assert prescribed(DEEP_SIGMOID) == []
    assert prescribed(DEEP_SIGMOID, finding(severity="info")) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_candidates_have_names_and_specs_of_their_own(family):
    for problem in ("vanishing_gradient", "exploding_gradient", "dead_relu"):
        offered = prescribed(FAMILIES[family], finding(problem))

        assert len(set(names(offered))) == len(offered)
        specs = [repr(candidate.spec) for candidate in offered]
        assert len(set(specs)) == len(specs)
        assert {candidate.problem for candidate in offered} <= {problem}


def test_the_first_few_are_of_different_kinds():
    offered = prescribed(DEEP_SIGMOID, finding(cause="activation"))

    kinds = [candidate.kind for candidate in offered]
    assert len(set(kinds[:5])) == 5


def test_a_way_around_the_layers_is_offered_whatever_harm_their_number_does():
    depth = names(prescribed(DEEP_SIGMOID, finding("stalled_training", cause="depth")))
    other = names(prescribed(DEEP_SIGMOID, finding("stalled_training", cause="data")))

    around = {"reduce_depth", "add_residual_norm_relu", "add_gates_highway"}
    assert around <= {*depth}
    assert depth[0] in around
    assert around.isdisjoint(other)


def test_what_removes_the_cause_stands_first():
    depth = prescribed(DEEP_SIGMOID, finding(cause="depth"))
    optimizer = prescribed(DEEP_SIGMOID, finding(cause="optimizer"))

    assert {candidate.fix for candidate in depth[:2]} == {
        "add_residual",
        "reduce_depth",
    }
    assert optimizer[0].name == "change_optimizer"


def test_what_treats_the_primary_problem_stands_before_what_treats_others():
    document = mlp(SIGMOID, data={"task": "clusters", "scale": 50.0})
    found = [finding("vanishing_gradient"), finding("weight_collapse")]
    heavy = {"optimizer": {"type": "SGD", "lr": 0.1, "weight_decay": 1.0}}

    offered = names(prescribed({**document, "training": heavy}, *found))

    assert offered.index("reduce_weight_decay") > offered.index("add_normalisation")


def test_popular_fixes_that_do_not_help_come_last():
    offered = names(prescribed(DEEP_SIGMOID, finding()))

    assert offered[-1] == "clip_gradients"


def test_against_bad_data_only_cleaning_it_is_offered():
    document = FAMILIES["data with samples that are not numbers"]

    offered = prescribed(document, finding("non_finite", "data"))

    assert names(offered) == ["clean_data"]


def test_nothing_is_offered_against_labels_that_mean_nothing():
    assert prescribed(mlp(RELU), finding("stalled_training", "labels")) == []


@pytest.mark.parametrize("name", ["add_residual", "add_residual_scaled"])
def test_fixes_are_allowed_and_denied_by_their_name_or_a_variants(name):
    allowed = names(prescribed(DEEP_SIGMOID, finding(), allow=[name]))
    denied = names(prescribed(DEEP_SIGMOID, finding(), deny=[name]))

    assert allowed
    assert all(offered.startswith(name) for offered in allowed)
    assert not any(offered.startswith(name) for offered in denied)


def test_a_fix_that_no_longer_fits_is_not_offered():
    """The read-out says how wide the layer before it is."""
    document = {
        "input": {"shape": [16]},
        "model": [
            repeated(9, {"type": "Conv1d", "out_channels": 4, "kernel_size": 2}, RELU),
            {"type": "Flatten"},
            {"type": "Linear", "in_features": 28, "out_features": 4},
        ],
    }
    document["input"] = {"shape": [16, 4]}
    document["data"] = {"task": "recall", "length": 16, "features": 4}

    offered = names(prescribed(document, finding("vanishing_gradient")))

    assert "reduce_depth" not in offered
    assert "add_normalisation" in offered


def test_a_layer_that_is_read_out_in_its_last_turn_is_left_alone():
    document = {
        "input": {"shape": [4]},
        "model": [repeated(8, {"type": "Linear", "out_features": 4}, SIGMOID)],
    }

    offered = names(prescribed(document, finding("vanishing_gradient")))

    assert not any("activation_" in name for name in offered if "replace" in name)
    assert "add_normalisation" not in offered


def test_a_selection_of_fixes_that_do_not_exist_is_refused():
    selection = FixSelection(
        allow=["replace_activation_relu", "add_normalization"], deny=["clip_gradients"]
    )

    with pytest.raises(InvalidDocumentError) as caught:
        check_selection(selection, "/options/fixes")

    (problem,) = caught.value.problems
    assert problem.pointer == "/options/fixes/allow/1"
    assert "'add_normalisation'" in problem.message
