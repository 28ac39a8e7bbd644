"""What the names of many loggers mean."""

import pytest

from gradhealth.ingest.naming import Ignored, OfLayer, OfRun, meaning_of


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("loss", "loss"),
        ("train/loss", "loss"),
        ("train_loss_step", "loss"),
        ("lm loss", "loss"),
        ("train/CrossEntropyLoss", "loss"),
        ("val_loss", "eval_loss"),
        ("eval/loss", "eval_loss"),
        ("eval_wikitext_loss", "eval_loss"),
        ("eval/c4_val/CrossEntropyLoss", "eval_loss"),
        ("validation/epoch_loss", "eval_loss"),
        ("grad_norm", "grad_norm"),
        ("train/grad_norm", "grad_norm"),
        ("grad norm", "grad_norm"),
        ("gnorm", "grad_norm"),
        ("grad_2.0_norm_total", "grad_norm"),
        ("optim/total_grad_norm", "grad_norm"),
        ("global_grad_norm", "grad_norm"),
        ("learning_rate", "lr"),
        ("lr-AdamW", "lr"),
        ("optim/learning_rate_group0", "lr"),
        ("loss scale", "loss_scale"),
        ("number of skipped iterations", "skipped"),
    ],
)
def test_series(name, series):
    meaning = meaning_of(name)

    assert isinstance(meaning, OfRun)
    assert meaning.series == series


@pytest.mark.parametrize(
    ("name", "statistic", "layer"),
    [
        ("gradients/fc.weight", "grad_norm", "fc.weight"),
        ("grad_2.0_norm/fc.weight", "grad_norm", "fc.weight"),
        ("grad_2_norm/fc.weight", "grad_norm", "fc.weight"),
        ("grad_2.0_norm_fc.weight", "grad_norm", "fc.weight"),
        ("fc.weight.grad", "grad_norm", "fc.weight"),
        ("grad/h.3.attn.weight.norm", "grad_norm", "h.3.attn.weight"),
        ("Gradients/0.weight", "grad_norm", "0.weight"),
        ("train/grad_norm/layers.3", "grad_norm", "layers.3"),
        ("layers.3/grad_norm", "grad_norm", "layers.3"),
        ("grad_norm_layer3", "grad_norm", "layer3"),
        ("param/fc.weight.norm", "weight_norm", "fc.weight"),
        ("weights/layer0_attn_norm", "weight_norm", "layer0_attn"),
        ("update_ratio/fc.weight", "update_ratio", "fc.weight"),
        ("dead_fraction/relu1", "dead_fraction", "relu1"),
    ],
)  # fmt: skip
def test_statistics_of_layers(name, statistic, layer):
    assert meaning_of(name) == OfLayer(statistic, layer)


@pytest.mark.parametrize(
    "name", ["_runtime", "_timestamp", "time", "grad/fc.weight.max"]
)
def test_clocks_and_other_statistics_are_left_out(name):
    assert meaning_of(name) == Ignored()


@pytest.mark.parametrize(
    "name",
    ["accuracy", "reward", "lossless", "gradients", "lr_decay_steps", "attn/entropy"],
)
def test_others_mean_nothing(name):
    assert meaning_of(name) is None


def test_a_parameters_own_name_is_its_layers():
    for name in ("h.3.fc.weight", "dense/kernel:0", "fc/bias"):
        assert meaning_of(name) == OfLayer("weight_norm", name, is_vague=True)


def test_weights_alone_may_be_means():
    assert meaning_of("weights/fc") == OfLayer("weight_norm", "fc", is_vague=True)


def test_the_plainest_name_comes_first():
    names = ["train/loss_epoch", "train/loss", "loss"]

    assert sorted(names, key=lambda name: -meaning_of(name).rank) == names
