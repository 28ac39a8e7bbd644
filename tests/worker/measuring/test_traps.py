"""Networks that fool simple rules, measured and judged as an analysis does it."""

import base64
import io
import json

import numpy as np

from gradhealth.architecture.limits import UNLIMITED
from gradhealth.architecture.network import resolve
from gradhealth.diagnosis import diagnose
from gradhealth.schemas.trace import Trace
from gradhealth.statistics import Statistics
from worker import units

ADAM = {"type": "Adam", "lr": 0.003}
HE = {"match": "Linear.weight", "fn": "kaiming_normal_", "nonlinearity": "relu"}
READ_OUT = {"type": "Linear", "out_features": 4}


def linear(width=32):
    return {"type": "Linear", "out_features": width}


def block(activation="ReLU", width=32):
    return [linear(width), {"type": activation}]


def spec(*model, init=(), data=None, seeds=(0, 1, 2), **training):
    return {
        "data": data or {"task": "clusters", "n": 512},
        "model": [*model, READ_OUT],
        "init": list(init),
        "training": {"optimizer": ADAM, "steps": 120, "batch_size": 32} | training,
        "probe": {"seeds": list(seeds), "samples": 128},
    }


def measured(document):
    """The diagnosis, and the statistics it was made from."""
    reply = units.run("measure", {"spec": document}, lambda *_: None)
    units.forget()
    traces = [
        Trace.from_json(trace) for trace in json.loads(json.dumps(reply))["traces"]
    ]
    return diagnose(traces, resolve(document, UNLIMITED)), Statistics(tuple(traces))


def diagnosis_of(document):
    return measured(document)[0]


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return {"npy": base64.b64encode(stream.getvalue()).decode()}


def residual(*body, **fields):
    return {"type": "Residual", "body": [*body], **fields}


def test_a_converged_network_has_tiny_gradients_and_is_healthy():
    diagnosis, statistics = measured(spec(*block(), init=[HE], steps=400))

    assert statistics.at_end("grad_norm")[:, 0].max() < 0.02
    assert diagnosis.verdict == "healthy"


def test_growth_by_the_square_root_of_depth_is_healthy():
    body = residual({"type": "LayerNorm"}, *block())
    document = spec(linear(), {"repeat": 16, "body": [body]}, {"type": "LayerNorm"})

    diagnosis, statistics = measured(document)

    assert statistics.log10_gain.max() > 0.3
    assert diagnosis.verdict == "healthy"


def test_a_scaled_loss_is_no_explosion_where_adam_divides_it_out():
    document = spec(*block(), init=[HE], loss_scale=65536)

    assert diagnosis_of(document).verdict == "healthy"


def test_units_that_are_off_for_most_inputs_are_not_dead():
    # A bias of -1 leaves a sixth of the units on: sparse, and alive.
    sparse = {"match": "Linear.bias", "value": -1.0}

    assert diagnosis_of(spec(*block(width=64), init=[HE, sparse])).verdict == "healthy"


def test_a_branch_that_nothing_reads_is_no_alarm():
    unused = {
        "type": "Parallel",
        "branches": [block(), [*block(), {"type": "Scale", "value": 0}]],
        "merge": "add",
    }

    assert diagnosis_of(spec(unused, init=[HE])).verdict == "healthy"


def test_branches_that_start_at_zero_are_healthy():
    body = residual(*block(), scale=0, learn_scale=True)

    document = spec(linear(), {"repeat": 8, "body": [body]}, init=[HE])

    assert diagnosis_of(document).verdict == "healthy"


def test_batch_norm_of_eight_samples_grows_faster_and_is_healthy():
    body = [linear(), {"type": "BatchNorm1d"}, {"type": "ReLU"}]

    document = spec({"repeat": 4, "body": body}, batch_size=8)

    assert diagnosis_of(document).verdict == "healthy"


def test_random_labels_stall_with_healthy_gradients():
    random = np.random.default_rng(0)
    x, y = random.standard_normal((512, 16), np.float32), random.integers(4, size=512)
    data = {"task": "classification", "x": npy(x), "y": npy(y)}
    sgd = {"type": "SGD", "lr": 0.05}

    diagnosis = diagnosis_of(spec(*block(), data=data, init=[HE], optimizer=sgd))

    assert diagnosis.primary == "stalled_training"
    assert diagnosis.findings[0].cause.kind == "labels"


def test_narrow_networks_that_learn_are_no_alarm():
    document = spec({"repeat": 4, "body": block("Tanh", width=6)}, init=[])

    assert diagnosis_of(document).verdict == "healthy"


def test_a_first_step_of_norm_forty_is_a_start_and_no_explosion():
    large = {"match": "model.2.weight", "fn": "normal_", "std": 1.0}

    diagnosis, statistics = measured(spec(*block(width=64), init=[HE, large]))

    assert statistics.grad_norms.max() > 10
    assert diagnosis.verdict == "healthy"


def test_updates_that_bfloat16_rounds_away_are_a_matter_of_precision():
    slow = {"type": "SGD", "lr": 0.002}
    document = spec(
        *block(), init=[HE], precision="bfloat16", optimizer=slow, steps=150
    )

    first = diagnosis_of(document).findings[0]

    assert first.problem == "stalled_training"
    assert first.cause.kind == "precision"


def test_gradients_below_the_smallest_half_are_no_vanishing_by_depth():
    # Adam needs no size: the network learns though many gradients round to 0.
    document = spec(*block(), init=[HE], precision="amp_float16")

    assert diagnosis_of(document).verdict == "healthy"


def test_embedding_rows_that_no_batch_holds_are_no_alarm():
    # 12 of 500 tokens occur, each followed by its successor.
    x = np.arange(256)[:, None] + np.arange(12)[None, :]
    document = spec(
        {"type": "Embedding", "embedding_dim": 32},
        *block(),
        data={"task": "language_model", "x": npy(x % 12), "y": npy((x + 1) % 12)},
    )
    document |= {"input": {"tokens": 12, "vocab_size": 500}}
    document["model"][-1] = linear(500)

    assert diagnosis_of(document).verdict == "healthy"


def test_names_and_labels_decide_nothing():
    document = spec({"repeat": 8, "body": block("Sigmoid")}, steps=60)
    named = document | {"name": "healthy resnet, gradients flow, loss fine"}

    assert diagnosis_of(named) == diagnosis_of(document)


def test_a_loss_that_still_falls_is_slow_and_not_stuck():
    slow = {"type": "SGD", "lr": 0.002}

    first = diagnosis_of(spec(*block(), init=[HE], optimizer=slow)).findings[0]

    assert first.problem == "stalled_training"
    assert first.cause.kind == "learning_rate"
    assert "still falls" in first.cause.text


def test_the_order_of_a_callers_samples_decides_nothing():
    random = np.random.default_rng(0)
    dark, bright = np.zeros((300, 16), np.float32), random.standard_normal((300, 16))
    x = np.concatenate([dark, bright.astype(np.float32)])
    data = {"task": "classification", "x": npy(x), "y": npy(np.arange(600) // 150)}
    below_zero = {"match": "model.0.bias", "value": -0.1}

    _, statistics = measured(spec(*block(), data=data, init=[HE, below_zero]))

    assert np.nanmax(statistics.at_start("dead_fraction")) < 0.1
