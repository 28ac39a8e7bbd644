import pytest
import torch

from gradhealth.architecture.network import resolve
from tests.support.networks import inline
from worker.measuring.training import TrainingRun

CPU = torch.device("cpu")


def spec(*layers, **training):
    return {
        "data": {"task": "clusters", "features": 8, "n": 128},
        "model": [
            {"type": "Linear", "out_features": 16},
            {"type": "ReLU"},
            *layers,
            {"type": "Linear", "out_features": 4},
        ],
        "training": {"steps": 30, "batch_size": 16} | training,
    }


def run_of(document, seed=0, **how):
    return TrainingRun(resolve(document), seed, device=CPU, **how)


def trained(document, seed=0, **how):
    run = run_of(document, seed, **how)
    run.advance(run.network.spec.training.steps)
    return run


def test_the_same_spec_and_seed_give_the_same_numbers():
    assert trained(spec()).losses == trained(spec()).losses
    assert trained(spec()).losses != trained(spec(), seed=1).losses


def test_a_run_in_parts_equals_a_run_at_once_even_with_dropout():
    document = spec({"type": "Dropout"})
    parts, other = run_of(document), run_of(document, seed=1)
    for step in (3, 10, 30):
        parts.advance(step)
        other.advance(step)

    assert parts.losses == trained(document).losses


def test_a_network_learns_and_progress_says_so():
    assert trained(spec(steps=200)).progress() > 0.8


def test_the_multiplier_scales_the_learning_rate():
    assert run_of(spec(), lr_multiplier=0.3).lr == pytest.approx(0.03)
    assert (
        trained(spec(), lr_multiplier=10.0).losses
        == trained(spec(optimizer={"type": "SGD", "lr": 1.0})).losses
    )


def test_a_run_that_is_not_finite_stops_before_the_weights_are_lost():
    run = trained(spec(optimizer={"type": "SGD", "lr": 1e30}))

    assert not run.is_finite
    assert run.progress() is None
    assert run.num_updates == len(run.losses) - 1 < 30


def test_broken_data_is_blamed_for_nan():
    x, y = torch.randn(8, 4).numpy(), (torch.arange(8) % 2).numpy()
    x[0, 0] = float("nan")
    document = spec() | {
        "data": {"task": "classification", "x": inline(x), "y": inline(y)}
    }

    assert trained(document).blame() == ("data", None)


def test_the_first_layer_that_overflows_is_blamed():
    huge = {"type": "Linear", "out_features": 16}
    document = spec(huge, huge, huge)
    document["init"] = [{"match": "Linear.weight", "value": 1e12}]

    # 1e12 and a sum over 16 units a layer: the third is beyond float32
    assert trained(document).blame() == ("activation", "model.3")


@pytest.mark.parametrize(
    "precision", ["bfloat16", "float16", "amp_bfloat16", "amp_float16"]
)
def test_every_precision_trains(precision):
    run = trained(spec(precision=precision, steps=100))

    assert run.is_finite
    assert run.losses[-1] < run.losses[0]


@pytest.mark.parametrize(
    "training",
    [
        {"clip_grad_norm": 1e-6},
        {"clip_grad_value": 1e-6},
        {"l1": 0.1},
        {"loss_scale": 100.0},
        {"schedule": {"type": "cosine", "warmup_steps": 5}},
        {"schedule": {"type": "linear_warmup", "warmup_steps": 20}},
        {"pretrain": {"type": "layerwise", "steps_per_layer": 5}},
    ],
)
def test_every_setting_of_the_training_takes_effect(training):
    assert trained(spec(**training)).losses[5] != trained(spec()).losses[5]


def test_layerwise_pretraining_gives_a_head_start():
    pretrain = {"type": "layerwise", "steps_per_layer": 100}
    optimizer = {"type": "SGD", "lr": 0.05}

    ahead = trained(spec(pretrain=pretrain, optimizer=optimizer))

    assert ahead.last_loss() < trained(spec(optimizer=optimizer)).last_loss()


def test_the_four_steps_are_timed_apart():
    seconds = trained(spec()).seconds

    assert min(seconds.forward, seconds.loss, seconds.backward, seconds.update) > 0
