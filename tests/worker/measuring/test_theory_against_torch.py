"""Predictions held against the probe's measurements of built networks."""

import math

import numpy as np
import pytest

from gradhealth.architecture.network import Network, resolve
from gradhealth.recorder.probe import Probe
from gradhealth.theory.gains import predict
from worker.measuring.build import build
from worker.measuring.data import load
from worker.measuring.init import initialise


def _measure(network: Network, seed: int):
    x = load(network, seed).x[: network.spec.probe.samples]
    model = build(network, seed)
    initialise(model, network, x, seed)
    modules = model.modules_by_path
    stations = [modules[node.path] for node in network.stations]
    recurrent = [
        modules[node.path]
        for node in network.walk()
        if node.layer.kind in ("RNN", "LSTM", "GRU")
    ]
    return Probe(model, stations, {}, *recurrent[:1]).read(x, seed=seed)


def _gain(network: Network, *, num_seeds: int) -> float:
    """Geometric mean over seeds."""
    gains = [_measure(network, seed).backward_gain[0] for seed in range(num_seeds)]
    return math.exp(np.mean(np.log(gains)))


def _dense(width):
    return {"type": "Linear", "out_features": width}


def _spec(*layers, init=(), out=1, data=None, samples=128):
    return {
        "data": data or {"task": "regression", "features": 64},
        "model": [*layers, _dense(out)],
        "init": list(init),
        "probe": {"samples": samples},
    }


ZERO = {"match": "*.bias", "fn": "zeros_"}
LECUN = [{"match": "*.weight", "fn": "lecun_normal_"}, ZERO]
HE = [{"match": "Linear.weight", "fn": "kaiming_normal_"}, ZERO]


@pytest.mark.parametrize(
    ("activation", "sw2", "depth"),
    [
        ({"type": "Sigmoid"}, 1, 6),
        ({"type": "Tanh"}, 0.81, 8),
        ({"type": "Tanh"}, 1, 8),
        ({"type": "Tanh"}, 4, 8),
        ({"type": "ReLU"}, 1 / 3, 8),
        ({"type": "ReLU"}, 2, 8),
        ({"type": "LeakyReLU", "negative_slope": 0.2}, 2, 8),
        ({"type": "PReLU"}, 2, 8),
        ({"type": "ReLU6"}, 2, 8),
        ({"type": "ELU"}, 1.5, 8),
        ({"type": "CELU", "alpha": 0.5}, 1.5, 8),
        ({"type": "SELU"}, 1, 8),
        ({"type": "GELU"}, 2, 8),
        ({"type": "GELU", "approximate": "tanh"}, 2, 8),
        ({"type": "SiLU"}, 4, 8),
        ({"type": "Mish"}, 2, 8),
        ({"type": "Softplus"}, 1, 6),
        ({"type": "Softsign"}, 1, 8),
        ({"type": "Hardtanh"}, 1, 8),
        ({"type": "Hardsigmoid"}, 4, 5),
        ({"type": "Hardswish"}, 4, 8),
    ],
)
def test_growth_of_plain_layers_agrees_within_one_percent(activation, sw2, depth):
    gain = math.sqrt(sw2)
    init = [{"match": "Linear.weight", "fn": "lecun_normal_", "gain": gain}]
    spec = _spec(
        {"repeat": depth, "body": [_dense(256), activation]}, init=[*init, ZERO]
    )
    spec["data"] = {"task": "regression", "features": 256}
    network = resolve(spec)

    predicted = predict(network).backward_gain
    measured = _gain(network, num_seeds=3)

    per_layer = (predicted / measured) ** (1 / (depth - 1))
    assert per_layer == pytest.approx(1, abs=0.01)


NORM_FIRST = {
    "type": "Residual",
    "body": [{"type": "LayerNorm"}, _dense(64), {"type": "ReLU"}, _dense(64)],
}
TINY_CONV = {"type": "Conv2d", "out_channels": 16, "kernel_size": 3, "padding": 1}
IMAGES = {"task": "images", "channels": 3, "size": 12}
READ = [{"type": "AdaptiveAvgPool2d", "output_size": 1}, {"type": "Flatten"}]
RECALL = {"task": "recall", "length": 30}
TEXT = {"task": "markov_lm"}
EMBED = [{"type": "Embedding", "embedding_dim": 32}, {"type": "PositionalEmbedding"}]
ENCODER = {
    "type": "TransformerEncoderLayer",
    "nhead": 4,
    "dim_feedforward": 64,
    "dropout": 0.0,
}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(
            _spec({"repeat": 8, "body": [_dense(64), {"type": "ReLU"}]}),
            id="torch-defaults",
        ),
        pytest.param(
            _spec(
                {
                    "repeat": 8,
                    "body": [_dense(64), {"type": "BatchNorm1d"}, {"type": "ReLU"}],
                },
                init=HE,
            ),
            id="batch-norm",
        ),
        pytest.param(
            _spec(
                {
                    "repeat": 8,
                    "body": [_dense(64), {"type": "LayerNorm"}, {"type": "GELU"}],
                },
                init=HE,
            ),
            id="layer-norm",
        ),
        pytest.param(
            _spec(_dense(64), {"repeat": 8, "body": [NORM_FIRST]}, init=HE),
            id="pre-norm",
        ),
        pytest.param(
            _spec(
                _dense(64),
                {
                    "repeat": 8,
                    "body": [
                        {"type": "Residual", "body": [_dense(64), {"type": "ReLU"}]}
                    ],
                },
                init=HE,
            ),
            id="unscaled-skip",
        ),
        pytest.param(
            _spec(
                _dense(64),
                {
                    "repeat": 6,
                    "body": [
                        {"type": "Highway", "body": [_dense(64), {"type": "ReLU"}]}
                    ],
                },
            ),
            id="highway",
        ),
        pytest.param(
            _spec(
                _dense(64),
                {
                    "type": "Parallel",
                    "branches": [[_dense(64), {"type": "Tanh"}], [_dense(64)]],
                    "merge": "mul",
                },
                {
                    "type": "Parallel",
                    "branches": [[_dense(32), {"type": "Tanh"}], [_dense(32)]],
                    "merge": "cat",
                },
                _dense(64),
            ),
            id="parallel",
        ),
        pytest.param(
            _spec(
                {
                    "repeat": 5,
                    "body": [
                        _dense(64),
                        {"type": "ReLU"},
                        {"type": "Dropout", "p": 0.3},
                    ],
                },
                init=HE,
            ),
            id="dropout",
        ),
        pytest.param(
            _spec(
                {"repeat": 5, "body": [TINY_CONV, {"type": "ReLU"}]},
                *READ,
                out=4,
                data=IMAGES,
                samples=32,
            ),
            id="padded-convolutions",
        ),
        pytest.param(
            _spec(
                TINY_CONV,
                {"type": "ReLU"},
                {**TINY_CONV, "stride": 2},
                {"type": "ReLU"},
                {
                    "type": "ConvTranspose2d",
                    "out_channels": 8,
                    "kernel_size": 2,
                    "stride": 2,
                },
                {"type": "ReLU"},
                {"type": "AvgPool2d", "kernel_size": 2},
                {"type": "Flatten"},
                _dense(32),
                {"type": "Tanh"},
                _dense(32),
                out=4,
                data=IMAGES,
                samples=32,
            ),
            id="strides-and-pools",
        ),
        pytest.param(
            _spec(
                {"type": "LSTM", "hidden_size": 48},
                {"type": "GRU", "hidden_size": 48},
                {"type": "RNN", "hidden_size": 48, "return": "last"},
                out=4,
                data=RECALL,
                samples=32,
            ),
            id="recurrent-stack",
        ),
        pytest.param(
            _spec(
                *EMBED,
                {"repeat": 3, "body": [ENCODER, {**ENCODER, "norm_first": True}]},
                out=12,
                data=TEXT,
                samples=32,
            ),
            id="encoder",
        ),
        pytest.param(
            _spec(
                *EMBED,
                {
                    "repeat": 3,
                    "body": [
                        {
                            "type": "Residual",
                            "body": [
                                {"type": "LayerNorm"},
                                {
                                    "type": "SelfAttention",
                                    "num_heads": 4,
                                    "causal": True,
                                },
                            ],
                        },
                        {**NORM_FIRST, "body": [*NORM_FIRST["body"][:3], _dense(32)]},
                    ],
                },
                out=12,
                data=TEXT,
                samples=32,
            ),
            id="gpt",
        ),
    ],
)
def test_end_to_end_gain_agrees_within_a_tenth_of_a_decade(spec):
    network = resolve(spec)

    predicted = predict(network).backward_gain
    measured = _gain(network, num_seeds=3)

    assert math.log10(predicted / measured) == pytest.approx(0, abs=0.1)


FORGET, UPDATE = "LSTM.forget_bias", "GRU.update_bias"


@pytest.mark.parametrize(
    ("layer", "init"),
    [
        ("RNN", []),
        ("RNN", [{"match": "RNN.weight_hh*", "fn": "orthogonal_"}]),
        ("RNN", [{"match": "RNN.weight_hh*", "fn": "lecun_normal_", "gain": 1.4}]),
        ("LSTM", []),
        ("LSTM", [{"match": FORGET, "value": 1}]),
        ("LSTM", [{"match": FORGET, "value": 3}]),
        ("GRU", []),
        ("GRU", [{"match": UPDATE, "value": 1}]),
        ("GRU", [{"match": UPDATE, "value": 3}]),
    ],
)
def test_growth_per_time_step_agrees_within_four_percent(layer, init):
    last = {"type": layer, "hidden_size": 96, "return": "last"}
    network = resolve(_spec(last, init=init, out=4, data=RECALL, samples=32))

    predicted = predict(network).temporal_factor
    by_lag = np.array([_measure(network, seed).temporal_gain for seed in range(4)])
    measured = np.exp(np.log(by_lag[:, -1]).mean() / (by_lag.shape[1] - 1))

    assert predicted == pytest.approx(measured, rel=0.04)


@pytest.mark.parametrize(("width", "depth"), [(16, 16), (64, 16)])
def test_spread_over_initialisations_agrees_within_a_third(width, depth):
    body = [_dense(width), {"type": "ReLU"}]
    network = resolve(_spec({"repeat": depth, "body": body}, init=HE))

    predicted = predict(network).log10_spread
    gains = [_measure(network, seed).backward_gain[0] for seed in range(24)]

    assert predicted == pytest.approx(np.std(np.log10(gains), ddof=1), rel=0.4)
