"""The prediction, held against published and measured growth factors."""

import base64
import io
import math

import numpy as np
import pytest

from gradhealth.architecture.network import resolve
from gradhealth.exceptions import InvalidDocumentError
from gradhealth.schemas.analysis import Theory
from gradhealth.schemas.entry import LAYERS
from gradhealth.theory.gains import predict
from gradhealth.theory.mean_field import UnpredictableError, Walk
from gradhealth.theory.moments import Moments


def _predict(model, *, features=400, **spec) -> Theory:
    data = {"task": "regression", "features": features}
    head = [{"type": "Linear", "out_features": 1}]
    return predict(resolve({"data": data, "model": [*model, *head], **spec}))


def _plain(activation, *, depth, gain=1.0, bias_std=0.0, width=400) -> Theory:
    """A plain network whose first pre-activation has variance 1."""
    dense = {"type": "Linear", "out_features": width}
    layers = {"repeat": depth, "body": [dense, activation]}
    init = [
        {"match": "Linear.weight", "fn": "lecun_normal_", "gain": gain},
        {"match": "Linear.bias", "fn": "normal_", "std": bias_std},
        {"match": "model.0.0.body.0.weight", "fn": "lecun_normal_"},
        {"match": "model.0.0.body.0.bias", "fn": "zeros_"},
    ]
    return _predict([layers], init=init)


def _per_layer(theory: Theory) -> float:
    """Geometric mean of the growth a layer, without the drift of finite width."""
    assert theory.backward_gain is not None
    return theory.backward_gain ** (1 / (len(theory.layers) - 1))


# Growth a layer of random networks of width 400 (mean of 6 seeds).
MEASURED = [
    ({"type": "Sigmoid"}, 1, 0, 12, 0.2334),
    ({"type": "Sigmoid"}, 1 / 3, 0, 8, 0.1384),
    ({"type": "Tanh"}, 0.81, 0, 24, 0.8596),
    ({"type": "Tanh"}, 1, 0, 24, 0.9273),
    ({"type": "Tanh"}, 1 / 3, 0, 16, 0.5567),
    ({"type": "Tanh"}, 25 / 9, 0, 24, 1.1051),
    ({"type": "Tanh"}, 4, 0, 24, 1.182),
    ({"type": "Tanh"}, 6.25, 0.05, 24, 1.2874),
    ({"type": "ReLU"}, 1 / 3, 0, 16, 0.4069),
    ({"type": "ReLU"}, 1, 0, 22, 0.7067),
    ({"type": "ReLU"}, 2, 0, 30, 0.998),
    ({"type": "ReLU"}, 4, 0, 16, 1.409),
    ({"type": "LeakyReLU", "negative_slope": 0.2}, 2 / 1.04, 0, 30, 0.999),
    ({"type": "PReLU"}, 2, 0, 30, 1.030),
    ({"type": "ELU"}, 1.2234**2, 0, 24, 1.0100),
    ({"type": "SELU"}, 1, 0, 30, 1.0360),
    ({"type": "GELU"}, 2, 0, 24, 0.779),
    ({"type": "GELU"}, 1, 0, 16, 0.525),
    ({"type": "SiLU"}, 2, 0, 24, 0.732),
    ({"type": "SiLU"}, 1, 0, 16, 0.513),
    ({"type": "Softplus"}, 1, 0, 16, 0.536),
    ({"type": "Softsign"}, 1, 0, 24, 0.863),
    ({"type": "Hardtanh"}, 1, 0, 24, 0.975),
]


@pytest.mark.parametrize(("activation", "sw2", "sb2", "depth", "measured"), MEASURED)
def test_growth_of_plain_layers_is_within_one_percent_of_measurements(
    activation, sw2, sb2, depth, measured
):
    theory = _plain(
        activation, depth=depth, gain=math.sqrt(sw2), bias_std=math.sqrt(sb2)
    )

    assert _per_layer(theory) == pytest.approx(measured, rel=0.01)
    assert theory.caveats == []


def test_gain_follows_the_variance_and_not_only_its_fixed_point():
    # tanh at sigma_w = 1 has chi = 1 at its fixed point 0, but loses on the way.
    theory = _plain({"type": "Tanh"}, depth=24, width=2000)

    assert theory.backward_gain == pytest.approx(0.177, rel=0.01)


def test_gain_of_a_first_layer_takes_the_input_s_own_variance():
    dense = {"type": "Linear", "out_features": 48}
    xavier = [
        {"match": "Linear.weight", "fn": "xavier_normal_"},
        {"match": "Linear.bias", "fn": "zeros_"},
    ]
    data = {"task": "clusters", "scale": 60, "shift": 120}
    model = [{"repeat": 3, "body": [dense, {"type": "Sigmoid"}]}]

    far = predict(
        resolve(
            {
                "data": data,
                "model": [*model, {"type": "Linear", "out_features": 4}],
                "init": xavier,
            }
        )
    )

    # Measured over three seeds: 0.0067, 0.0051, 0.0047.
    assert far.backward_gain == pytest.approx(0.0054, rel=0.15)


def test_factors_multiply_to_the_gain():
    theory = _plain({"type": "Sigmoid"}, depth=6)

    factors = [layer.factor for layer in theory.layers]

    assert factors[-1] is None
    assert theory.layers[-1].backward_gain == 1
    assert math.prod(factors[:-1]) == pytest.approx(theory.backward_gain)


def test_biases_that_shut_every_unit_leave_no_gradient():
    block = [{"type": "Linear", "out_features": 48}, {"type": "ReLU"}]
    theory = _predict(
        [{"repeat": 4, "body": block}],
        init=[{"match": "Linear.bias", "fn": "constant_", "val": -8.0}],
    )

    assert theory.backward_gain == 0
    assert theory.log10_spread is None


# Predicted end-to-end gain of normalised and residual networks: Yang 2019 for batch
# normalisation without skips, Xiong 2020 and De & Smith 2020 for skips.
HE = [
    {"match": "Linear.weight", "fn": "kaiming_normal_", "nonlinearity": "relu"},
    {"match": "*.bias", "fn": "zeros_"},
]
WIDE = {"type": "Linear", "out_features": 400}


def _residual(body, num_blocks, **keys):
    block = {"type": "Residual", "body": body, **keys}
    return [WIDE, {"repeat": num_blocks, "body": [block]}]


@pytest.mark.parametrize(
    ("activation", "factor"),
    [
        ("ReLU", 1.2112),
        ("LeakyReLU", 1.206),
        ("Tanh", 1.085),
        ("GELU", 1.148),
        ("SiLU", 1.101),
        ("Mish", 1.102),
        ("ELU", 1.039),
        ("SELU", 1.035),
        ("Sigmoid", 1.017),
        ("Softplus", 1.040),
        ("Identity", 1.0),
    ],
)
def test_batch_norm_without_skips_explodes_by_the_factor_of_its_activation(
    activation, factor
):
    body = [WIDE, {"type": "BatchNorm1d"}, {"type": activation}]

    theory = _predict([{"repeat": 9, "body": body}], init=HE, probe={"samples": 4096})

    assert theory.layers[5].factor == pytest.approx(factor, rel=0.002)


@pytest.mark.parametrize(("samples", "factor"), [(8, 1.334), (32, 1.232), (256, 1.208)])
def test_batch_norm_in_small_batches_explodes_faster(samples, factor):
    body = [WIDE, {"type": "BatchNorm1d"}, {"type": "ReLU"}]

    theory = _predict(
        [{"repeat": 9, "body": body}], init=HE, probe={"samples": samples}
    )

    assert theory.layers[5].factor == pytest.approx(factor, rel=0.02)
    assert any("training batches of 64" in caveat for caveat in theory.caveats)


@pytest.mark.parametrize("num_blocks", [4, 16, 64])
def test_pre_norm_skips_grow_with_the_square_root_of_depth(num_blocks):
    body = [{"type": "LayerNorm"}, WIDE, {"type": "ReLU"}, WIDE]
    init = [
        *HE,
        {"match": "*.body.3.weight", "fn": "lecun_normal_"},
    ]

    theory = _predict(_residual(body, num_blocks), init=init)

    # The stream starts with the variance 2 that He's first layer gives it.
    expected = math.prod(1 + 1 / (2 + block) for block in range(num_blocks)) ** 0.5
    assert theory.backward_gain == pytest.approx(expected, rel=0.05)


def test_post_norm_skips_keep_the_gradient():
    body = [WIDE, {"type": "ReLU"}, WIDE]
    theory = _predict(_residual(body, 16, post=[{"type": "LayerNorm"}]), init=HE)

    assert theory.layers[5].factor == pytest.approx(1, rel=0.005)


@pytest.mark.parametrize("num_blocks", [16, 64])
def test_branches_scaled_with_depth_stay_bounded(num_blocks):
    theory = _predict(
        _residual([WIDE], num_blocks, scale=num_blocks**-0.5),
        init=[{"match": "Linear.weight", "fn": "lecun_normal_"}],
    )

    assert theory.backward_gain == pytest.approx(
        (1 + 1 / num_blocks) ** (num_blocks / 2), rel=0.02
    )


def test_a_branch_of_zero_weight_changes_nothing():
    body = [WIDE, {"type": "ReLU"}, WIDE]

    theory = _predict(_residual(body, 8, scale=0.0, learn_scale=True), init=HE)

    assert theory.backward_gain == pytest.approx(1)


def test_independent_branches_add_squares():
    init = [*HE, {"match": "*.body.2.weight", "fn": "lecun_normal_"}]

    theory = _predict(_residual([WIDE, {"type": "ReLU"}, WIDE], 16), init=init)

    assert theory.backward_gain == pytest.approx(2**8, rel=0.05)


def test_branches_whose_output_has_a_mean_add_more_than_squares():
    narrow = {"type": "Linear", "out_features": 48}
    block = {"type": "Residual", "body": [narrow, {"type": "ReLU"}]}

    theory = _predict([narrow, {"repeat": 40, "body": [block]}], init=HE)

    # Measured over three seeds: 1.0e8, 1.9e8, 5.1e8 (2**20 were they independent).
    assert math.log10(theory.backward_gain) == pytest.approx(8.3, abs=0.4)


NARROW = {"type": "Linear", "out_features": 8}
RELU = {"type": "ReLU"}
CHILDREN = {"body": [NARROW], "branches": [[NARROW], [NARROW]]}
SIGNALS = [
    {"input": {"shape": [8]}},
    {"input": {"shape": [9, 8]}},
    {"input": {"shape": [8, 6, 6]}},
    {"input": {"tokens": 6, "vocab_size": 5}},
]


def _surrounded(kind):
    """The smallest layer of a type between two others, for all that it may take."""
    fields = LAYERS[kind].model_fields.items()
    needed = [field.alias or name for name, field in fields if field.is_required()]
    layer = {"type": kind} | {key: CHILDREN.get(key, 2) for key in needed}
    volume = np.zeros((4, 8, 3, 4, 4), np.float32)
    data = {"task": "classification", "x": _npy(volume), "y": _npy(np.arange(4) % 2)}
    ends = [{"type": "Flatten"}, NARROW, {"type": "Tanh"}]
    for signal in (*SIGNALS, {"data": data}):
        for before in ([NARROW], []):
            for out in (2, 5):
                readout = {"type": "Linear", "out_features": out}
                tokens = [*before, layer, NARROW, {"type": "Tanh"}, readout]
                images = [*before, layer, *ends, readout]
                for model in (tokens, images):
                    try:
                        yield resolve({"model": model, **signal})
                    except InvalidDocumentError:
                        continue


def _npy(values):
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return {"npy": base64.b64encode(buffer.getvalue()).decode()}


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_every_type_of_layer_is_predicted(kind):
    networks = list(_surrounded(kind))

    theories = [predict(network) for network in networks]

    assert theories
    for theory in theories:
        assert theory.backward_gain is not None, theory.caveats
        assert math.isfinite(theory.backward_gain)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"match": "Linear.weight", "fn": "ones_"}, "all start equal"),
        ({"match": "Linear.weight", "fn": "uniform_"}, "mean is not 0"),
    ],
)
def test_where_theory_is_silent_it_says_why(rule, why):
    theory = _predict([NARROW, {"type": "Tanh"}, NARROW, {"type": "Tanh"}], init=[rule])

    assert theory.backward_gain is None
    assert [layer.backward_gain for layer in theory.layers] == [None, None]
    assert why in theory.caveats[0]


def test_factors_beyond_all_numbers_are_not_followed():
    theory = _predict([NARROW, {"type": "Scale", "value": 1e200}, NARROW, RELU])

    assert theory.backward_gain is None
    assert "leave the range of floats" in theory.caveats[0]


def test_an_input_without_numbers_is_not_followed():
    x = _npy(np.full((10, 3), np.nan))
    data = {"task": "classification", "x": x, "y": _npy(np.arange(10) % 2)}

    theory = predict(resolve({"data": data, "model": [NARROW, RELU, NARROW]}))

    assert theory.backward_gain is None
    assert theory.caveats == ["the input holds no finite number"]


def test_a_layer_without_a_rule_is_named():
    network = resolve({"input": {"shape": [8]}, "model": [NARROW]})
    walk = Walk(rules={}, init=[], batch_size=64, largest=3e38)

    with pytest.raises(UnpredictableError, match="no rule for Linear"):
        walk.through(network.nodes, Moments(0.0, 1.0, 0.0))


def test_signals_beyond_all_numbers_are_not_followed():
    rule = {"match": "Linear.weight", "fn": "normal_", "std": 1e9}

    theory = _predict([{"repeat": 20, "body": [NARROW, {"type": "ReLU"}]}], init=[rule])

    assert theory.backward_gain is None
    assert "leaves the range of numbers" in theory.caveats[0]


@pytest.mark.parametrize(
    ("layers", "spec", "caveat"),
    [
        ([{"type": "Dropout"}], {}, "dropout is predicted as in training"),
        ([{"type": "Softmax"}], {}, None),
        (
            [{"type": "Scale", "value": 1e6}],
            {"training": {"precision": "amp_float16"}},
            "largest number of the training's precision",
        ),
        (
            [{"type": "Residual", "body": [{"type": "Tanh"}]}],
            {},
            "a branch without weights",
        ),
        (
            [],
            {"data": {"task": "clusters", "scale": 1000.0, "noise": 0.0}},
            "mean square is 1e+06, far from 1",
        ),
    ],
)
def test_rough_places_are_named(layers, spec, caveat):
    model = [NARROW, *layers, NARROW, {"type": "Tanh"}, {**NARROW, "out_features": 4}]

    theory = predict(resolve({"data": {"task": "clusters"}, "model": model, **spec}))

    assert theory.backward_gain is not None
    assert [caveat in text for text in theory.caveats] == ([True] if caveat else [])


def test_saturated_attention_is_named():
    attention = {"type": "SelfAttention", "num_heads": 2, "qk_scale": 100.0}
    model = [{"type": "Embedding", "embedding_dim": 8}, attention, NARROW]
    data = {"task": "markov_lm", "vocab_size": 8}

    theory = predict(resolve({"data": data, "model": model}))

    assert "the attention's softmax is saturated" in theory.caveats[0]


def test_a_single_station_has_gain_one():
    theory = _predict([])

    assert theory.backward_gain == 1
    assert theory.layers[0].factor is None


def test_a_network_without_weights_on_its_trunk_has_no_stations():
    data = {"task": "reconstruction"}
    model = [{"type": "PReLU"}]

    theory = predict(resolve({"data": data, "model": model}))

    assert theory.layers == []
    assert theory.backward_gain is None
    assert theory.caveats


def test_deep_networks_neither_overflow_nor_end_early():
    body = [{"type": "Linear", "out_features": 64}]
    init = [{"match": "Linear.weight", "fn": "lecun_normal_", "gain": 2.0}]

    theory = _predict(
        [{"repeat": 900, "body": [*body, {"type": "Hardtanh"}]}], init=init
    )

    assert theory.backward_gain is not None
    assert len(theory.layers) == 900


def test_orthogonal_weights_keep_norms_from_varying():
    body = [NARROW, {"type": "Identity"}]
    init = [{"match": "Linear.weight", "fn": "orthogonal_"}]

    theory = _predict([{"repeat": 8, "body": body}], features=8, init=init)

    assert theory.backward_gain == pytest.approx(1)
    assert theory.log10_spread == 0


GROWTH_MEASURED = [
    # Orthogonal, then LSTM and GRU by the bias of the gate that remembers.
    ("RNN", [{"match": "*weight_hh*", "fn": "orthogonal_"}], 0.903),
    ("RNN", [], 0.562),
    ("LSTM", [{"match": "LSTM.forget_bias", "value": 0}], 0.615),
    ("LSTM", [{"match": "LSTM.forget_bias", "value": 1}], 0.836),
    ("LSTM", [{"match": "LSTM.forget_bias", "value": 2}], 0.957),
    ("LSTM", [{"match": "LSTM.forget_bias", "value": 3}], 0.997),
    ("LSTM", [{"match": "LSTM.forget_bias", "value": 5}], 1.016),
    ("GRU", [{"match": "GRU.update_bias", "value": 0}], 0.609),
    ("GRU", [{"match": "GRU.update_bias", "value": 1}], 0.783),
    ("GRU", [{"match": "GRU.update_bias", "value": 3}], 0.956),
]


@pytest.mark.parametrize(("layer", "init", "measured"), GROWTH_MEASURED)
def test_growth_per_time_step_is_within_three_percent_of_measurements(
    layer, init, measured
):
    model = [
        {"type": layer, "hidden_size": 32, "return": "last"},
        {"type": "Linear", "out_features": 4},
    ]

    theory = predict(
        resolve({"data": {"task": "recall"}, "model": model, "init": init})
    )

    assert theory.temporal_factor == pytest.approx(measured, rel=0.03)


def test_networks_without_recurrence_have_no_growth_per_time_step():
    assert _predict([NARROW]).temporal_factor is None


@pytest.mark.parametrize(
    ("width", "depth", "measured"),
    # Over 24 initialisations: standard deviation of log10 J.
    [(16, 16, 0.324), (16, 32, 0.615), (64, 32, 0.229), (256, 32, 0.078)],
)
def test_narrow_networks_vary_from_one_initialisation_to_the_next(
    width, depth, measured
):
    body = [{"type": "Linear", "out_features": width}, {"type": "ReLU"}]

    theory = _predict([{"repeat": depth, "body": body}], features=16, init=HE)

    assert theory.log10_spread == pytest.approx(measured, rel=0.2)
    # And their typical gain is below the mean one, which is 1.
    assert theory.backward_gain < 1


def test_samples_of_different_size_are_averaged_as_the_probe_does():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 16)) * np.repeat([0.5, 3.0], [450, 150])[:, None]
    buffer = io.BytesIO()
    np.save(buffer, x.astype(np.float32))
    labels = io.BytesIO()
    np.save(labels, np.arange(600) % 2)
    spec = {
        "data": {
            "task": "classification",
            "x": {"npy": base64.b64encode(buffer.getvalue()).decode()},
            "y": {"npy": base64.b64encode(labels.getvalue()).decode()},
        },
        "model": [
            {
                "repeat": 6,
                "body": [{"type": "Linear", "out_features": 256}, {"type": "SiLU"}],
            },
            {"type": "Linear", "out_features": 2},
        ],
        "init": [
            {"match": "Linear.weight", "fn": "kaiming_normal_", "nonlinearity": "relu"},
            {"match": "Linear.bias", "fn": "zeros_"},
        ],
    }

    theory = predict(resolve(spec))

    measured = np.mean([_rms_gain_of_silu(x, seed=seed) for seed in range(4)])
    assert theory.backward_gain == pytest.approx(measured, rel=0.03)


def _rms_gain_of_silu(x, *, seed, width=256, depth=6):
    """J of He-initialised layers, of random cotangents, RMS over samples."""
    random = np.random.default_rng(seed)
    slopes, matrices = [], []
    for _ in range(depth):
        fan_in = x.shape[1]
        matrices.append(random.standard_normal((fan_in, width)) * (2 / fan_in) ** 0.5)
        z = x @ matrices[-1]
        gate = 1 / (1 + np.exp(-z))
        x = z * gate
        slopes.append(gate * (1 + z * (1 - gate)))
    delta = random.standard_normal(x.shape)
    last = np.mean(delta**2)
    for matrix, slope in zip(matrices[:0:-1], slopes[-2::-1], strict=True):
        delta = (delta @ matrix.T) * slope
    return np.sqrt(np.mean(delta**2) / last)


def test_a_gradient_that_few_samples_carry_is_a_caveat():
    body = [{"type": "Linear", "out_features": 64}, {"type": "SiLU"}]
    he = {"match": "Linear.weight", "fn": "kaiming_normal_", "nonlinearity": "relu"}
    spec = {
        "input": {"shape": [64]},
        "data": {"task": "digits"},
        "model": [
            {"repeat": 30, "body": body},
            {"type": "Linear", "out_features": 10},
        ],
        "init": [he, {"match": "Linear.bias", "fn": "zeros_"}],
    }

    [caveat] = predict(resolve(spec)).caveats

    assert "a few large samples carry most of the gradient" in caveat


@pytest.mark.parametrize(
    ("stack", "is_told"),
    [
        ([{"num_layers": 1}], False),
        ([{"num_layers": 2}], True),
        ([{"num_layers": 1}, {"num_layers": 1}], True),
    ],
)
def test_a_stack_of_recurrent_layers_remembers_longer_than_one(stack, is_told):
    layers = [{"type": "LSTM", "hidden_size": 8, **how} for how in stack]
    read_out = [{"type": "MeanPool"}, {"type": "Linear", "out_features": 4}]
    spec = {"data": {"task": "recall"}, "model": [*layers, *read_out]}

    caveats = predict(resolve(spec)).caveats

    assert any("on top of one another" in caveat for caveat in caveats) == is_told
