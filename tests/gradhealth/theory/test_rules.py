"""Each kind of layer between two others: the gain it has by itself."""

import math
from typing import Any

import pytest

from gradhealth.architecture.network import resolve
from gradhealth.schemas.analysis import Theory
from gradhealth.theory.gains import predict

LECUN = [
    {"match": "Linear.weight", "fn": "lecun_normal_"},
    {"match": "Conv*.weight", "fn": "lecun_normal_"},
    {"match": "*.bias", "fn": "zeros_"},
]
IDENTITY, FLATTEN = {"type": "Identity"}, {"type": "Flatten"}


def layer(kind: str, **keys: Any) -> dict[str, Any]:
    return {"type": kind, **keys}


def linear(width: int) -> dict[str, Any]:
    return layer("Linear", out_features=width)


def theory_of(*layers: Any, features: int = 256, **spec: Any) -> Theory:
    """Between two linear layers that keep the gradient."""
    model = [linear(features), *layers, linear(features), IDENTITY, linear(1)]
    data = {"task": "regression", "features": features}
    return predict(resolve({"data": data, "model": model, "init": LECUN} | spec))


def gain_of(*layers: Any, **spec: Any) -> float:
    gain = theory_of(*layers, **spec).backward_gain
    assert gain is not None
    return gain


def image_gain(*layers: Any, size: int = 8, init: Any = LECUN, **spec: Any) -> float:
    """Between two 1x1 convolutions on 64 channels."""
    conv = layer("Conv2d", out_channels=64, kernel_size=1, bias=False)
    read = [layer("AdaptiveAvgPool2d", output_size=1), FLATTEN, linear(4)]
    data = {"task": "images", "channels": 64, "size": size}
    model = [conv, *layers, conv, *read]
    gain = predict(resolve({"data": data, "model": model, "init": init} | spec))
    assert gain.backward_gain is not None
    return gain.backward_gain


def close(value: float) -> Any:
    return pytest.approx(value, rel=0.02)


def test_random_weights_of_unit_gain_keep_the_gradient():
    assert gain_of() == close(1)


@pytest.mark.parametrize("width", [64, 512])
def test_the_norm_does_not_depend_on_the_width(width):
    assert gain_of(linear(width)) == close(1)


def test_identities_pass_what_they_can():
    init = [*LECUN, {"match": "model.1.weight", "fn": "eye_", "gain": 0.5}]

    assert gain_of(linear(256), init=init) == close(0.5)
    assert gain_of(linear(512), init=init) == close(0.5 * math.sqrt(1 / 2))


def test_lsuv_gives_each_layer_what_its_input_needs():
    init = [
        {"match": "Linear.weight", "fn": "lsuv_"},
        {"match": "*.bias", "fn": "zeros_"},
    ]

    # Half of the square is lost in each ReLU, so the weights double it.
    assert gain_of(layer("ReLU"), linear(256), layer("ReLU"), init=init) == close(1)


def test_zero_weights_stop_the_gradient():
    init = [*LECUN, {"match": "model.1.weight", "fn": "zeros_"}]

    assert gain_of(linear(256), layer("Tanh"), init=init) == 0


@pytest.mark.parametrize(
    ("pool", "gain"),
    [
        (layer("AvgPool2d", kernel_size=2), 1 / 2),
        (layer("AvgPool2d", kernel_size=4), 1 / 4),
        (layer("AdaptiveAvgPool2d", output_size=2), 1 / 4),
        (layer("MaxPool2d", kernel_size=2), 1),
        (layer("Dropout", p=0.75), 2),
        (layer("Dropout", p=0.0), 1),
        (layer("Dropout", p=1.0), 0),
        (layer("Scale", value=-3.0), 3),
        (layer("Scale", value=0.5, learn=True), 0.5),
        (layer("Identity"), 1),
    ],
)
def test_layers_without_weights_have_the_gain_of_their_slope(pool, gain):
    assert image_gain(pool) == close(gain)


def test_max_pooling_behind_relu_mostly_picks_units_that_are_on():
    gain = image_gain(layer("ReLU"), layer("MaxPool2d", kernel_size=2))

    assert gain == close(math.sqrt(1 - 2**-4))


CONV = layer("Conv2d", out_channels=64, kernel_size=3)


@pytest.mark.parametrize(
    ("conv", "gain"),
    [
        # A border of zeros takes 2 of the 24 taps of each axis of 8.
        ({**CONV, "padding": 1}, 22 / 24),
        ({**CONV, "padding": "same"}, 22 / 24),
        ({**CONV, "padding": 1, "padding_mode": "circular"}, 1),
        ({**CONV, "padding": 1, "padding_mode": "reflect"}, 1),
        (CONV, 1),
        ({**CONV, "padding": "valid"}, 1),
        ({**CONV, "stride": 2}, 1),
        ({**CONV, "dilation": 3}, 1),
        ({**CONV, "groups": 4}, 1),
        # One of 5 positions an axis lies in the padding alone.
        ({**CONV, "kernel_size": 1, "padding": 1, "stride": 2}, 4 / 5),
    ],
)
def test_convolutions_keep_the_gradient_but_for_their_borders(conv, gain):
    assert image_gain(conv) == close(gain)


def test_very_long_windows_are_taken_without_borders():
    conv = layer("Conv1d", out_channels=1, kernel_size=4001, padding=2000)
    ends = layer("Conv1d", out_channels=1, kernel_size=1)
    x = {"task": "recall", "length": 4000, "features": 2, "classes": 2}
    model = [ends, conv, ends, layer("MeanPool"), linear(2)]

    theory = predict(
        resolve(
            {"data": x, "model": model, "init": LECUN, "training": {"batch_size": 8}}
        )
    )

    assert theory.backward_gain is not None


@pytest.mark.parametrize(("stride", "taps"), [(1, 9), (2, 9 / 4)])
def test_transposed_convolutions_sum_every_stride_th_tap(stride, taps):
    up = layer("ConvTranspose2d", out_channels=64, kernel_size=3, stride=stride)

    gain = image_gain(up, size=32)

    # Their fan in counts all 9 taps; edges apart, an output sees fewer.
    assert gain == pytest.approx(math.sqrt(taps / 9), rel=0.06)


def test_dirac_weights_pass_what_they_can():
    init = [*LECUN, {"match": "model.1.weight", "fn": "dirac_"}]

    assert image_gain({**CONV, "padding": 1}, init=init) == close(1)


BRANCHES = [[linear(256)], [linear(256)]]


@pytest.mark.parametrize(
    ("merge", "branches", "gain"),
    [
        ("add", BRANCHES, math.sqrt(2)),
        ("mul", BRANCHES, math.sqrt(2)),
        ("cat", [[linear(64)], [linear(192)]], 1),
        ("cat", [[], [linear(256)]], 1),
    ],
)
def test_branches_add_the_squares_of_their_gains(merge, branches, gain):
    block = layer("Parallel", branches=branches, merge=merge)

    assert gain_of(block) == close(gain)


@pytest.mark.parametrize("scale", [-0.5, 0.5, 2.0])
def test_skips_add_the_square_of_the_branch(scale):
    block = layer("Residual", body=[linear(256)], scale=scale)

    assert gain_of(block) == close(math.sqrt(1 + scale * scale))


def test_projected_skips_count_as_a_branch_of_unit_gain():
    block = layer("Residual", body=[linear(128)])

    assert gain_of(block) == close(math.sqrt(2))


def test_a_closed_gate_carries_everything():
    block = layer("Highway", body=[linear(256)], gate_bias=-50.0)
    init = [{"match": "Linear.weight", "fn": "lecun_normal_"}]

    assert gain_of(block, init=init) == close(1)


def test_an_open_gate_is_its_body():
    block = layer("Highway", body=[layer("Scale", value=3.0)], gate_bias=50.0)
    init = [{"match": "Linear.weight", "fn": "lecun_normal_"}]

    assert gain_of(block, init=init) == close(3)


@pytest.mark.parametrize("kind", ["BatchNorm1d", "LayerNorm", "RMSNorm", "GroupNorm"])
@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_norms_undo_a_scale_forwards_and_backwards(kind, scale):
    keys = {"num_groups": 2} if kind == "GroupNorm" else {}

    assert gain_of(
        layer("Scale", value=scale), layer(kind, eps=1e-12, **keys)
    ) == close(1)


@pytest.mark.parametrize("factor", [0.0, 0.3])
def test_a_norm_s_learned_factor_is_part_of_its_gain(factor):
    init = [*LECUN, {"match": "LayerNorm.weight", "value": factor}]

    assert gain_of(layer("LayerNorm"), init=init) == close(factor)


@pytest.mark.parametrize(
    "norm", [layer("GroupNorm", num_groups=256), layer("LayerNorm", normalized_shape=1)]
)
def test_a_norm_of_single_values_leaves_nothing(norm):
    features = 1 if norm["type"] == "LayerNorm" else 256
    init = [{"match": "Linear.weight", "fn": "lecun_normal_"}]

    assert gain_of(norm, features=features, init=init) == 0


def test_batch_norm_over_few_samples_is_named():
    theory = theory_of(
        layer("BatchNorm1d"),
        init=[{"match": "Linear.weight", "fn": "lecun_normal_"}],
        probe={"samples": 2},
    )

    assert "batch normalisation over 2 samples is rough" in theory.caveats[0]


def test_a_softmax_between_layers_spreads_the_gradient_thin():
    init = [*LECUN, {"match": "model.0.weight", "fn": "zeros_"}]

    assert gain_of(layer("Softmax"), init=init) == close(1 / 256)


def test_a_saturated_softmax_is_named():
    theory = theory_of(layer("Scale", value=30.0), layer("Softmax"))

    assert "the softmax is saturated" in theory.caveats[0]


def recurrent_theory(*layers: Any, length: int = 20, **spec: Any) -> Theory:
    data = {"task": "recall", "length": length}
    return predict(resolve({"data": data, "model": [*layers, linear(4)], **spec}))


LAST = {"return": "last"}


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_stacks_are_the_same_in_one_layer_or_two(kind):
    first = layer(kind, hidden_size=32)

    apart = recurrent_theory(linear(8), first, {**first, **LAST})
    together = recurrent_theory(linear(8), {**first, "num_layers": 2, **LAST})

    assert apart.backward_gain == pytest.approx(together.backward_gain)
    assert apart.temporal_factor == pytest.approx(together.temporal_factor)


def test_dropout_between_recurrent_layers_counts():
    stack = layer("GRU", hidden_size=32, num_layers=2, **LAST)

    without = recurrent_theory(linear(8), stack)
    dropping = recurrent_theory(linear(8), {**stack, "dropout": 0.5})

    assert dropping.backward_gain > without.backward_gain
    assert "dropout" in dropping.caveats[0]


def test_two_directions_read_alike():
    one = layer("RNN", hidden_size=32, nonlinearity="relu")
    two = {**one, "bidirectional": True}

    alone, both = (
        recurrent_theory(linear(8), first, layer("MeanPool"), linear(8), IDENTITY)
        for first in (one, two)
    )

    # From the mean over time, both directions see the same gradient.
    assert both.backward_gain == pytest.approx(alone.backward_gain, rel=0.02)


def test_projected_states_are_followed():
    cell = layer("LSTM", hidden_size=32, proj_size=8)

    theory = recurrent_theory(cell, {**cell, **LAST})

    assert theory.temporal_factor is not None
    assert 0 < theory.temporal_factor < 1


def test_rectified_units_that_remember_keep_the_gradient():
    cell = layer("RNN", hidden_size=32, nonlinearity="relu", **LAST)
    init = [
        {"match": "RNN.weight_hh*", "fn": "eye_"},
        {"match": "RNN.bias*", "fn": "zeros_"},
    ]

    theory = recurrent_theory(cell, init=init)

    assert theory.temporal_factor == pytest.approx(1)
    assert "the recurrent weights are the identity" in theory.caveats[0]


def test_cells_of_zero_weights_forget_at_once():
    cell = layer("RNN", hidden_size=32, **LAST)
    init = [{"match": "RNN.*", "value": 0.0}]

    theory = recurrent_theory(linear(8), cell, init=init)

    assert (theory.temporal_factor, theory.backward_gain) == (0, 0)


def test_a_long_sequence_fits_into_memory():
    conv = layer("Conv1d", out_channels=2, kernel_size=3, padding=1)
    data = {"task": "recall", "length": 100_000, "classes": 2, "n": 8}
    spec = {"data": data, "training": {"batch_size": 2}}

    theory = predict(
        resolve({**spec, "model": [conv, conv, layer("MeanPool"), linear(2)]})
    )

    assert theory.backward_gain is not None


def test_very_long_sequences_are_followed_back_as_far_as_matters():
    cell = layer("LSTM", hidden_size=4)
    spec = {"training": {"batch_size": 4}}

    short, long = (
        recurrent_theory(cell, {**cell, **LAST}, length=length, **spec).backward_gain
        for length in (500, 6_000)
    )

    assert long == pytest.approx(short, rel=0.01)


def attention_theory(*layers: Any, **spec: Any) -> Theory:
    data = {"task": "markov_lm", "vocab_size": 64}
    embedding = layer("Embedding", embedding_dim=64)
    model = [embedding, *layers, linear(64), IDENTITY, linear(64)]
    return predict(resolve({"data": data, "model": model, **spec}))


@pytest.mark.parametrize("causal", [False, True])
def test_even_attention_spreads_the_gradient_over_the_positions(causal):
    attention = layer("SelfAttention", num_heads=4, qk_scale=0.0, causal=causal)
    init = [
        {"match": "*weight", "fn": "lecun_normal_"},
        {"match": "Embedding.weight", "fn": "normal_"},
        {"match": "*bias", "fn": "zeros_"},
    ]

    theory = attention_theory(attention, init=init)

    # Its 16 positions have a sixteenth of the weight each.
    assert theory.backward_gain == close(1 / 4)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_encoder_layers_keep_the_order_of_magnitude(norm_first, dropout, activation):
    encoder = layer(
        "TransformerEncoderLayer",
        nhead=4,
        dim_feedforward=128,
        activation=activation,
        dropout=dropout,
        norm_first=norm_first,
    )

    theory = attention_theory(*[encoder] * 4)

    assert theory.backward_gain is not None
    assert 0.1 < theory.backward_gain < 10


def test_an_encoder_that_drops_everything_is_its_skips():
    encoder = layer("TransformerEncoderLayer", nhead=4, dropout=1.0, norm_first=True)
    init = [{"match": "Linear.weight", "fn": "lecun_normal_"}]

    assert attention_theory(encoder, init=init).backward_gain == close(1)
