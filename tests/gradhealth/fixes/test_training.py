"""Fixes that change the training, the data or the depth."""

import pytest

from gradhealth.architecture.network import resolve
from gradhealth.fixes.base import Case, Facts
from gradhealth.fixes.change_optimizer import ChangeOptimizer
from gradhealth.fixes.clean_data import CleanData
from gradhealth.fixes.clip_gradients import ClipGradients
from gradhealth.fixes.loosen_clipping import LoosenClipping
from gradhealth.fixes.lower_learning_rate import LowerLearningRate
from gradhealth.fixes.raise_learning_rate import RaiseLearningRate
from gradhealth.fixes.raise_precision import RaisePrecision
from gradhealth.fixes.reduce_depth import ReduceDepth
from gradhealth.fixes.reduce_weight_decay import ReduceWeightDecay
from gradhealth.fixes.reset_loss_scale import ResetLossScale
from gradhealth.fixes.standardise_inputs import StandardiseInputs
from gradhealth.fixes.standardise_targets import StandardiseTargets
from gradhealth.fixes.use_faster_hardware import UseFasterHardware
from gradhealth.fixes.use_stable_loss import UseStableLoss
from gradhealth.fixes.warm_up import WarmUp
from gradhealth.schemas.finding import Evidence
from tests.support.families import (
    FAMILIES,
    RELU,
    SIGMOID,
    TANH,
    finding,
    linear,
    mlp,
    repeated,
)
from tests.support.networks import inline

SGD = {"type": "SGD", "lr": 0.1}


def offered(remedy, document, found=None):
    """The candidates' specs by name."""
    problem = min(remedy.treats)
    case = Case(document, resolve(document), (found or finding(problem),))
    return {c.name: c.spec for c in remedy.candidates(case)}


def trained(training, remedy, *layers):
    """What the fix makes of `training`, by name."""
    document = mlp(*(layers or [RELU]), training=training)
    specs = offered(remedy, document)
    return {name: spec["training"] for name, spec in specs.items()}


@pytest.mark.parametrize(
    ("optimizer", "rates"),
    [
        ({"type": "SGD", "lr": 30.0}, [0.1, 0.01]),
        ({"type": "SGD", "lr": 0.1}, [0.01]),
        ({"type": "SGD", "lr": 0.001}, []),
        ({"type": "SGD", "lr": 0.1, "momentum": 0.9}, [0.01, 0.001]),
        ({"type": "Adam", "lr": 0.1}, [0.001, 0.0001]),
    ],
)
def test_a_rate_is_lowered_to_what_is_customary_and_to_a_tenth(optimizer, rates):
    trainings = trained({"optimizer": optimizer}, LowerLearningRate())

    lowered = [training["optimizer"] for training in trainings.values()]
    assert lowered == [optimizer | {"lr": rate} for rate in rates]


def test_a_rate_is_raised_to_what_is_customary():
    tiny = {"optimizer": {"type": "SGD", "lr": 1e-6}}

    trainings = trained(tiny, RaiseLearningRate())

    assert trainings == {"raise_learning_rate": {"optimizer": SGD}}
    assert trained({"optimizer": SGD}, RaiseLearningRate()) == {}


def test_sgd_becomes_adam_and_keeps_its_decay():
    decayed = {"optimizer": SGD | {"weight_decay": 0.01}}

    trainings = trained(decayed, ChangeOptimizer())

    adam = {"type": "Adam", "lr": 0.001, "weight_decay": 0.01}
    assert trainings["change_optimizer"]["optimizer"] == adam
    assert trained({"optimizer": {"type": "RMSprop"}}, ChangeOptimizer()) == {}


def test_gradients_are_clipped_where_they_are_not():
    clipped = trained({}, ClipGradients())
    tight = {"clip_grad_norm": 0.5, "clip_grad_value": 0.5}

    assert clipped["clip_gradients"] == {"clip_grad_norm": 1.0}
    assert 0 < clipped["clip_gradients_value"]["clip_grad_value"] < 1
    assert trained(tight, ClipGradients()) == {}


def test_the_limit_of_a_gradient_is_read_from_ordinary_steps():
    document = mlp(RELU)
    facts = Facts(typical_grad_norm=0.0321, first_layers_change=1.0, step_seconds=0.01)
    case = Case(document, resolve(document), (finding("exploding_gradient"),), facts)

    [norm, _] = ClipGradients().candidates(case)

    assert norm.spec["training"]["clip_grad_norm"] == 0.03


def test_faster_hardware_is_advised_by_the_change_that_was_measured():
    def advice(change):
        document = mlp(SIGMOID)
        facts = Facts(
            typical_grad_norm=1.0, first_layers_change=change, step_seconds=0.01
        )
        case = Case(document, resolve(document), (finding(),), facts)
        return list(UseFasterHardware().candidates(case))

    [slow], [hopeless] = advice(0.01), advice(1e-12)

    assert slow.title == "Train 5 times as many steps"
    assert "10 seconds" in slow.why
    assert hopeless.title == "Faster hardware would not help"
    assert "years" in hopeless.why
    assert (slow.spec, advice(0.2)) == (None, [])


def test_a_limit_that_stops_the_training_is_loosened():
    tight = {"clip_grad_norm": 1e-5, "clip_grad_value": 1e-6}

    assert trained(tight, LoosenClipping()) == {
        "loosen_clipping": {"clip_grad_norm": 1.0}
    }
    assert trained({"clip_grad_norm": 5.0}, LoosenClipping()) == {}


def test_decay_and_l1_are_reduced():
    heavy = {"optimizer": SGD | {"weight_decay": 1.0}, "l1": 0.1}

    trainings = trained(heavy, ReduceWeightDecay())

    light = {"optimizer": SGD | {"weight_decay": 1e-4}}
    assert trainings == {"reduce_weight_decay": light}
    assert trained({"optimizer": SGD}, ReduceWeightDecay()) == {}


def test_half_precision_becomes_float32():
    assert trained({"precision": "bfloat16"}, RaisePrecision()) == {
        "raise_precision": {"precision": "float32"}
    }


def test_the_loss_is_not_scaled_except_in_float16():
    scaled = {"loss_scale": 1e-4}

    assert trained(scaled, ResetLossScale()) == {"reset_loss_scale": {}}
    assert trained(scaled | {"precision": "float16"}, ResetLossScale()) == {}


def test_a_warm_up_is_for_adaptive_optimizers_and_attention():
    adam = {"optimizer": {"type": "Adam"}, "steps": 50}

    schedule = trained(adam, WarmUp())["warm_up"]["schedule"]

    assert schedule == {"type": "linear_warmup", "warmup_steps": 5}
    assert trained({"optimizer": SGD}, WarmUp()) == {}
    assert offered(WarmUp(), FAMILIES["transformer of torch"])


@pytest.mark.parametrize(
    ("loss", "end", "stable", "ends_with"),
    [
        ("nll_of_softmax", [], "cross_entropy", linear(4)),
        ("mse_onehot", [], "cross_entropy", linear(4)),
        ("cross_entropy", [{"type": "Softmax"}], "cross_entropy", linear(4)),
        ("bce", [SIGMOID], "bce_with_logits", linear(4)),
        ("bce_with_logits", [SIGMOID], "bce_with_logits", linear(4)),
    ],
)
def test_losses_are_taken_from_logits(loss, end, stable, ends_with):
    document = {
        "data": {"task": "clusters"},
        "model": [linear(), RELU, linear(4), *end],
        "training": {"loss": loss},
    }

    spec = offered(UseStableLoss(), document)["use_stable_loss"]

    assert spec["training"]["loss"] == stable
    assert spec["model"][-1] == ends_with


@pytest.mark.parametrize(
    ("loss", "end"), [("cross_entropy", []), ("bce", [{"type": "Hardsigmoid"}])]
)
def test_losses_that_are_stable_or_without_logits_stay(loss, end):
    document = {
        "data": {"task": "clusters"},
        "model": [linear(4), *end],
        "training": {"loss": loss},
    }

    assert offered(UseStableLoss(), document) == {}


def test_inputs_are_standardised_where_they_may_need_it():
    scaled = mlp(RELU, data={"task": "clusters", "scale": 60.0})

    data = offered(StandardiseInputs(), scaled)["standardise_inputs"]["data"]

    assert data == {"task": "clusters", "scale": 60.0, "standardize": True}
    assert offered(StandardiseInputs(), mlp(RELU, data={"task": "clusters"})) == {}
    assert offered(StandardiseInputs(), mlp(RELU)) == {}


def test_targets_are_standardised_where_they_may_need_it():
    own = {"task": "regression_data", "x": inline([[0.5]] * 4), "y": inline([9.0] * 4)}
    document = {"data": own, "model": [linear(1)]}

    spec = offered(StandardiseTargets(), document)["standardise_targets"]

    assert spec["data"]["standardize_target"] is True
    plain = {"data": {"task": "regression"}, "model": [linear(1)]}
    assert offered(StandardiseTargets(), plain) == {}


def test_samples_that_are_not_finite_are_dropped():
    document = FAMILIES["data with samples that are not numbers"]

    spec = offered(CleanData(), document, finding("non_finite", "data"))["clean_data"]

    assert spec["data"]["x"] == inline([[0.5], [2.5]])
    assert spec["data"]["y"] == inline([1.0, 4.0])
    assert offered(CleanData(), document, finding("non_finite", "loss")) == {}
    assert offered(CleanData(), mlp(RELU), finding("non_finite", "data")) == {}


def vanishing(log10_gain):
    evidence = Evidence(statistic="log10_backward_gain", value=log10_gain)
    return finding(evidence=[evidence])


@pytest.mark.parametrize(
    ("log10_gain", "kept"), [(-12.0, 3), (-24.0, 2), (-0.5, 6), (12.0, 3)]
)
def test_as_many_layers_are_kept_as_the_gradient_reaches(log10_gain, kept):
    document = mlp(SIGMOID, repeat=20)

    spec = offered(ReduceDepth(), document, vanishing(log10_gain))["reduce_depth"]

    assert spec["model"][0]["repeat"] == kept


def test_layers_written_out_are_taken_out():
    document = {
        "input": {"shape": [16]},
        "model": [*[linear(), TANH] * 12, linear(4)],
    }

    spec = offered(ReduceDepth(), document, finding())["reduce_depth"]

    assert spec["model"] == [*[linear(), TANH] * 2, linear(4)]


def test_layers_that_change_the_shape_stay():
    document = {
        "input": {"shape": [16]},
        "model": [
            *[linear(8), TANH],
            repeated(9, linear(8), TANH, linear(8), TANH),
            *[linear(12), TANH],
            linear(4),
        ],
    }

    spec = offered(ReduceDepth(), document, finding())["reduce_depth"]

    assert spec["model"][2]["repeat"] == 1
    assert len(spec["model"]) == len(document["model"])


def test_shallow_networks_keep_their_depth():
    assert offered(ReduceDepth(), mlp(SIGMOID, repeat=6), finding()) == {}


def test_a_large_eps_is_set_back():
    def adam(eps):
        return {"optimizer": {"type": "Adam", "lr": 0.001, "eps": eps}}

    trainings = trained(adam(100.0), ChangeOptimizer())

    assert trainings == {"change_optimizer_eps": adam(1e-8)}
    assert trained(adam(1e-10), ChangeOptimizer()) == {}
