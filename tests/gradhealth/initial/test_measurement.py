import base64
import io

import numpy as np
import pytest

from gradhealth.architecture.network import resolve
from gradhealth.initial.exceptions import UnmeasurableError
from gradhealth.initial.layers import Pass
from gradhealth.initial.measurement import measure_initial
from gradhealth.statistics import Statistics
from gradhealth.theory.gains import predict
from tests.support.specs import LINEAR, classify


def deep(activation, depth=12, width=128, fn="lecun_normal_", **rule):
    layers = [{"type": "Linear", "out_features": width}, {"type": activation}] * depth
    init = [{"match": "Linear.weight", "fn": fn, **rule}]
    init.append({"match": "Linear.bias", "fn": "zeros_"})
    return resolve(classify(*layers, init=init))


def gain(network, seeds=(0, 1, 2)):
    """log10 of the smallest backward gain."""
    statistics = Statistics(tuple(measure_initial(network, seeds)))
    return float(statistics.log10_gain.min(axis=1).mean())


@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "Sigmoid", "SELU", "GELU"])
def test_the_gain_is_what_theory_predicts(activation):
    network = deep(activation)

    predicted = np.log10(predict(network).backward_gain)
    assert gain(network) == pytest.approx(predicted, abs=0.15 + 0.05 * abs(predicted))


def test_orthogonal_weights_keep_the_norm_of_a_linear_network():
    assert gain(deep("Identity", fn="orthogonal_")) == pytest.approx(0, abs=1e-9)
    assert gain(deep("Identity", fn="eye_"), seeds=[0]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "block",
    [
        [{"type": "BatchNorm1d"}, {"type": "ReLU"}],
        [{"type": "LayerNorm"}, {"type": "Tanh"}],
        [{"type": "RMSNorm"}, {"type": "PReLU"}],
        [{"type": "Dropout", "p": 0.1}, {"type": "Scale", "value": 1.4}],
        [{"type": "BatchNorm1d", "affine": False}, {"type": "Hardtanh"}],
        [{"type": "RMSNorm", "elementwise_affine": False}, {"type": "Tanh"}],
    ],
)
def test_the_way_back_is_the_slope_of_the_way_forward(block):
    residual = {"type": "Residual", "body": [LINEAR, *block], "scale": 0.5}
    network = resolve(classify(LINEAR, residual, *block))
    random = np.random.default_rng(1)
    x, direction = random.standard_normal((2, 8, 16))
    cotangent = random.standard_normal((8, 4))

    def forward(x):
        # The same seed draws the same parameters, and drops the same units.
        run = Pass(network.spec.init, np.random.default_rng(0))
        return run.through(network.nodes[:-1], x)

    _, pull = forward(x)
    step = 1e-6 * direction
    difference = (forward(x + step)[0] - forward(x - step)[0]) / 2e-6
    assert np.sum(pull(cotangent) * direction) == pytest.approx(
        np.sum(cotangent * difference), rel=1e-5
    )


def test_a_dead_layer_passes_nothing():
    layers = [{"type": "Linear", "out_features": 32}, {"type": "ReLU"}] * 3
    init = [{"match": "Linear.bias", "value": -9.0}]
    [trace] = measure_initial(resolve(classify(*layers, init=init)), [0])

    assert trace.layer_series["dead_fraction"].max() == 1.0


def test_a_seed_gives_the_same_numbers_again():
    network = deep("Tanh")

    assert gain(network) == gain(network)
    assert gain(network, [0]) != gain(network, [1])


def test_broken_data_is_seen():
    x = np.zeros((8, 4), np.float32)
    x[0, 0] = np.nan
    arrays = []
    for array in (x, np.arange(8) % 4):
        buffer = io.BytesIO()
        np.save(buffer, array)
        arrays.append({"npy": base64.b64encode(buffer.getvalue()).decode()})
    data = {"task": "classification", "x": arrays[0], "y": arrays[1]}
    spec = {"input": {"shape": [4]}, "data": data, "model": [LINEAR]}

    [trace] = measure_initial(resolve(spec), [0])

    assert trace.context.non_finite.where == "data"


@pytest.mark.parametrize(
    ("layers", "init", "why"),
    [
        (
            [{"type": "RNN", "hidden_size": 4, "return": "last"}],
            [],
            "RNN is measured with torch only",
        ),
        (
            [{"type": "Flatten"}, LINEAR],
            [{"match": "Linear.weight", "fn": "lsuv_"}],
            "looks at data",
        ),
        (
            [{"type": "Flatten"}, {"type": "Linear", "out_features": 99_999}],
            [],
            "large",
        ),
    ],
)
def test_what_is_not_known_here_is_said(layers, init, why):
    data = {"task": "recall", "length": 5}
    network = resolve({"data": data, "model": [*layers, LINEAR], "init": init})

    with pytest.raises(UnmeasurableError, match=why):
        measure_initial(network, [0, 1, 2])


def test_an_input_without_a_finite_number_and_tokens_are_not_measured():
    tokens = {"tokens": 4, "vocab_size": 5}
    embedding = {"type": "Embedding", "embedding_dim": 4}
    spec = {
        "input": tokens,
        "model": [embedding, {"type": "Linear", "out_features": 5}],
    }

    with pytest.raises(UnmeasurableError, match="tokens"):
        measure_initial(resolve(spec), [0])
