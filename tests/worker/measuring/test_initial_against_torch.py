"""The reading in numpy beside the probe's, at initialisation."""

import numpy as np
import pytest

from gradhealth.architecture.network import resolve
from gradhealth.initial.measurement import measure_initial
from gradhealth.statistics import Statistics
from tests.support.specs import classify
from worker.units import screen

SEEDS = [0, 1, 2, 3]


def deep(*block, depth=8):
    return [{"type": "Linear", "out_features": 64}, *block] * depth


@pytest.mark.parametrize(
    ("layers", "init"),
    [
        (deep({"type": "Sigmoid"}), []),
        (
            deep({"type": "ReLU"}),
            [{"match": "Linear.weight", "fn": "kaiming_normal_"}],
        ),
        (
            deep({"type": "Tanh"}),
            [{"match": "Linear.weight", "fn": "orthogonal_", "gain": 1.5}],
        ),
        (deep({"type": "BatchNorm1d"}, {"type": "ReLU"}), []),
        (deep({"type": "LayerNorm"}, {"type": "GELU"}), []),
        ([{"type": "Residual", "body": deep({"type": "SELU"}, depth=2)}] * 6, []),
    ],
)
def test_the_gain_is_that_of_torch(layers, init):
    spec = classify(*layers, init=init)

    traces = measure_initial(resolve(spec), SEEDS)
    torchs = screen({"spec": spec, "seeds": SEEDS}, lambda *_: None)

    ours = Statistics(tuple(traces)).log10_gain[:, 0]
    theirs = np.array(torchs["log10_backward_gain"])
    # Other random numbers, the same distribution; 64 samples in place of 256.
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.15)


def test_dead_units_are_seen_as_torch_sees_them():
    spec = classify(
        *deep({"type": "ReLU"}, depth=2),
        init=[{"match": "Linear.bias", "value": -9.0}],
    )

    traces = measure_initial(resolve(spec), SEEDS)
    torchs = screen({"spec": spec, "seeds": SEEDS}, lambda *_: None)

    assert [t.layer_series["dead_fraction"].max() for t in traces] == [1.0] * 4
    assert torchs["dead_fraction"] == [1.0] * 4
