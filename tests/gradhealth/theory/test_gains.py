"""The prediction, held against published and measured growth factors."""

import json
import math
import time

import pytest

from gradhealth.network import resolve
from gradhealth.schemas.analysis import Theory
from gradhealth.theory.gains import predict


def _predict(model, *, features=400, **spec) -> Theory:
    data = {"task": "regression", "features": features}
    head = [{"type": "Linear", "out_features": 1}]
    return predict(resolve({"data": data, "model": [*model, *head], **spec}))


def _plain(activation, *, depth, gain=1.0, bias_std=0.0, width=400) -> Theory:
    """A plain network whose first pre-activation has variance 1."""
    dense = {"type": "Linear", "out_features": width}
    rest = {"repeat": depth - 1, "body": [activation, dense]}
    init = [
        {"match": "Linear.weight", "fn": "lecun_normal_", "gain": gain},
        {"match": "Linear.bias", "fn": "normal_", "std": bias_std},
        {"match": "model.0.weight", "fn": "lecun_normal_"},
        {"match": "model.0.bias", "fn": "zeros_"},
    ]
    return _predict([dense, rest], init=init)


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
