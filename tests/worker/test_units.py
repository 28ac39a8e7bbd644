"""The units a training process carries out, and the traces they leave."""

import json

import numpy as np
import pytest

from gradhealth.architecture.network import resolve
from gradhealth.schemas.trace import Trace
from worker import units


def ignore(done, total):
    pass


def mlp(activation="ReLU", depth=4, **spec):
    return {
        "data": {"task": "clusters", "features": 8, "n": 256},
        "model": [
            {
                "repeat": depth,
                "body": [{"type": "Linear", "out_features": 16}, {"type": activation}],
            },
            {"type": "Linear", "out_features": 4},
        ],
        "training": {"steps": 40, "batch_size": 16},
        "probe": {"seeds": [0, 1], "samples": 64},
    } | spec


RECALL = {
    "data": {"task": "recall", "length": 12, "features": 4, "classes": 3, "n": 64},
    "model": [
        {"type": "RNN", "hidden_size": 8, "return": "last"},
        {"type": "Linear", "out_features": 3},
    ],
    "training": {"steps": 5, "batch_size": 8},
    "probe": {"seeds": [0]},
}


def measure(spec):
    reply = json.loads(json.dumps(units.measure({"spec": spec}, ignore)))
    return reply, [Trace.from_json(trace) for trace in reply["traces"]]


def test_measuring_gives_a_trace_for_each_seed():
    reply, traces = measure(mlp())

    assert [trace.context.seed for trace in traces] == [0, 1]
    assert reply["device"] in ("cpu", "cuda")
    assert set(reply["versions"]) == {"gradhealth", "python", "torch", "numpy"}
    assert min(reply["durations"].values()) > 0


def test_norms_are_taken_each_step_and_the_rest_at_sampled_ones():
    _, (trace, _) = measure(mlp())

    rows = {
        name: np.flatnonzero(~table.mask.all(axis=1)).tolist()
        for name, table in trace.layer_series.items()
    }
    assert rows["grad_norm"] == list(range(40))
    assert rows["backward_gain"][0] == 0
    assert rows["backward_gain"][-1] == 40
    assert len(rows["backward_gain"]) == 10  # eight in between
    assert rows["update_ratio"] == rows["backward_gain"][:-1]
    assert rows["dead_fraction"] == rows["backward_gain"]


def test_statistics_stand_at_the_layers_they_belong_to():
    _, (trace, _) = measure(mlp())

    measured = {
        name: {
            layer.type
            for layer, column in zip(trace.layers, (~table.mask).T, strict=True)
            if column.any()
        }
        for name, table in trace.layer_series.items()
    }
    assert measured["backward_gain"] == measured["grad_norm"] == {"Linear"}
    assert measured["dead_fraction"] == {"ReLU"}


def test_the_steps_asked_for_are_probed():
    _, (trace,) = measure(mlp(probe={"seeds": [0], "steps": [7, 9]}))

    table = trace.layer_series["backward_gain"]
    assert np.flatnonzero(~table.mask.all(axis=1)).tolist() == [0, 7, 9, 40]


def test_watching_does_not_change_the_training():
    _, (trace, _) = measure(mlp())

    arguments = {"spec": mlp(), "seed": 0, "lr_multiplier": 1.0, "steps": 40}
    loss = units.train(arguments, ignore)["loss_last"]
    assert np.mean(trace.series["loss"].data[37:40]) == pytest.approx(loss, rel=1e-12)


def test_a_recurrent_network_has_temporal_gains_by_lag():
    _, (trace,) = measure(RECALL)

    assert trace.lags.tolist() == list(range(1, 13))
    assert trace.lag_series["temporal_gain"][0] == pytest.approx(1.0)
    assert trace.lag_series["temporal_gain"][-1] < 1e-2
    assert trace.context.lag == 12


def test_the_place_of_the_first_broken_number_is_kept():
    spec = mlp()
    spec["training"] = spec["training"] | {"optimizer": {"type": "SGD", "lr": 1e20}}

    _, (trace, _) = measure(spec)

    assert trace.context.non_finite is not None
    assert trace.context.non_finite.step <= 3
    assert trace.layer_series["backward_gain"].mask[0].sum() == 5


def test_screening_looks_at_the_initialisation_only():
    reply = units.screen({"spec": mlp("Sigmoid", depth=8), "seeds": [0, 1, 2]}, ignore)

    assert len(reply["log10_backward_gain"]) == 3
    assert all(-8 < gain < -5 for gain in reply["log10_backward_gain"])
    assert reply["log10_temporal_gain"] == [None] * 3


def test_screening_a_recurrent_network_gives_the_gain_at_the_lag():
    reply = units.screen({"spec": RECALL, "seeds": [0]}, ignore)

    assert reply["log10_temporal_gain"][0] < -2


def test_training_goes_on_where_it_was():
    def train(steps):
        arguments = {"spec": mlp(), "seed": 5, "lr_multiplier": 0.3, "steps": steps}
        return units.train(arguments, ignore)

    in_parts = [train(10), train(40)][-1]
    units.forget()

    assert in_parts == train(40)


def test_a_run_that_breaks_has_no_progress():
    arguments = {"spec": mlp(), "seed": 0, "lr_multiplier": 1e25, "steps": 40}

    reply = units.train(arguments, ignore)

    assert (reply["progress"], reply["loss_last"]) == (None, None)
    assert reply["losses"][-1][1] is None


def test_half_precision_counts_the_updates_that_rounding_loses():
    spec = mlp()
    spec["training"] = spec["training"] | {
        "precision": "bfloat16",
        "optimizer": {"type": "SGD", "lr": 1e-4},
    }

    _, (trace, _) = measure(spec)

    assert trace.layer_series["unchanged_fraction"].mean() > 0.9


def test_the_probe_reads_no_more_samples_than_memory_is_meant_for():
    wide = mlp(probe={"seeds": [0], "samples": 65_536})
    wide["model"] = [
        {"type": "Linear", "out_features": 2**20},
        {"type": "Linear", "out_features": 4},
    ]

    assert resolve(wide).num_probe_samples == 255
    assert resolve(mlp()).num_probe_samples == 64
