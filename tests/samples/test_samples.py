"""Logs that the libraries themselves wrote: `tests/samples/make` writes them anew."""

import json
from pathlib import Path

import numpy as np
import pytest

from gradhealth.ingest import read_log

HERE = Path(__file__).parent
TRUTH = json.loads((HERE / "truth.json").read_text())
LOSS, NORMS = np.array(TRUTH["loss"]), TRUTH["norms"]
WEIGHTS = ["stem.weight", "body.weight", "head.weight"]
FORMATS = {
    "torch.tfevents": "tensorboard",
    "tensorflow.tfevents": "tensorboard",
    "wandb.jsonl": "wandb",
    "run.wandb": "wandb_offline",
    "lightning.csv": "lightning",
    "trainer_state.json": "huggingface",
    "huggingface.log": "huggingface",
    "mlruns.tar.gz": "mlflow",
    "mlflow.json": "mlflow",
    "mlflow.db.gz": "mlflow_database",
    "keras.csv": "keras",
}


def read(name):
    (trace,) = read_log(HERE / name)
    return trace


def norms_of(trace):
    """[T] by layer."""
    table = trace.layer_series["grad_norm"]
    return {layer.path: table[:, n] for n, layer in enumerate(trace.layers)}


@pytest.mark.parametrize("name", FORMATS)
def test_every_sample_is_recognised(name):
    assert read(name).context.source_format == FORMATS[name]


def test_there_is_no_sample_without_a_test():
    others = {"truth.json", "versions.json", "requirements.txt", "make"}
    names = {path.name for path in HERE.iterdir() if path.is_file()}

    assert names - others - set(FORMATS) == {"write.py", "test_samples.py"}


def test_the_samples_were_written_by_the_versions_that_are_asked_for():
    wanted = (HERE / "requirements.txt").read_text().split()
    written = json.loads((HERE / "versions.json").read_text())

    assert {f"{name}=={number}" for name, number in written.items()} >= {
        each for each in wanted if not each.startswith("accelerate")
    }


@pytest.mark.parametrize("name", ["torch.tfevents", "tensorflow.tfevents"])
def test_losses_at_their_steps(name):
    trace = read(name)

    assert trace.steps.tolist() == list(range(len(LOSS)))
    np.testing.assert_allclose(trace.series["loss"], LOSS, rtol=1e-6)


def test_norms_from_the_histograms_of_torch_are_exact():
    trace = read("torch.tfevents")

    assert [layer.path for layer in trace.layers] == WEIGHTS
    assert trace.context.layer_order == "file"
    for name, norms in norms_of(trace).items():
        np.testing.assert_allclose(norms, NORMS[name], rtol=1e-6)


@pytest.mark.parametrize("name", ["tensorflow.tfevents", "wandb.jsonl", "run.wandb"])
def test_norms_from_bins_are_near_and_said_to_be(name):
    trace = read(name)

    assert {layer.path for layer in trace.layers} == {*WEIGHTS}
    assert any("computed from histograms" in each for each in trace.context.hides)
    for layer, norms in norms_of(trace).items():
        there = ~norms.mask
        np.testing.assert_allclose(
            norms[there], np.array(NORMS[layer])[there], rtol=0.05
        )
        assert there[::4].all()


def test_lightning_logs_each_second_step_of_two_epochs():
    trace = read("lightning.csv")

    rows = np.flatnonzero(~trace.series["loss"].mask)
    assert trace.steps[rows].tolist() == list(range(1, 40, 2))
    np.testing.assert_allclose(trace.series["loss"][rows[:10]], LOSS[1::2], rtol=1e-4)
    for layer, norms in norms_of(trace).items():
        np.testing.assert_allclose(norms[rows[:10]], NORMS[layer][1::2], rtol=1e-4)
    assert trace.series["eval_loss"].count() == 2
    assert trace.context.layer_order == "unknown"


def test_the_state_and_the_console_of_transformers_agree():
    state, console = read("trainer_state.json"), read("huggingface.log")

    assert state.steps.tolist() == list(range(2, 41, 2))
    for name in ("loss", "grad_norm", "lr"):
        np.testing.assert_allclose(
            state.series[name].compressed(),
            console.series[name].compressed(),
            rtol=1e-3,
        )


def test_a_history_that_is_downloaded_hides_what_is_not_finite():
    trace = read("wandb.jsonl")

    np.testing.assert_allclose(trace.series["loss"][:-1], LOSS[:-1], rtol=1e-6)
    assert trace.series["loss"].mask.tolist() == [False] * 19 + [True]


@pytest.mark.parametrize(
    "name", ["mlruns.tar.gz", "mlflow.json", "mlflow.db.gz", "run.wandb"]
)
def test_others_keep_what_is_not_finite(name):
    trace = read(name)

    np.testing.assert_allclose(trace.series["loss"][:-1], LOSS[:-1], rtol=1e-6)
    assert np.isnan(trace.series["loss"][-1])


@pytest.mark.parametrize("name", ["mlruns.tar.gz", "mlflow.db.gz"])
def test_mlflow_keeps_norms_of_layers_but_not_their_order(name):
    trace = read(name)

    assert trace.context.layer_order == "unknown"
    for layer, norms in norms_of(trace).items():
        np.testing.assert_allclose(norms, NORMS[layer], rtol=1e-6)


def test_keras_tells_an_epoch_a_row():
    trace = read("keras.csv")

    assert trace.steps.tolist() == [0, 1, 2, 3, 4]
    assert {"loss", "eval_loss"} <= trace.series.keys()
    assert any("gradients" in each for each in trace.context.hides)
