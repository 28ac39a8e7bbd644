"""The snippets of docs/recorder.md run as they stand."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch

from gradhealth.batches.batch import Batch
from gradhealth.recorder import Recorder
from tests.support.stand_ins import library
from tests.support.trainings import batch, mlp, train

PAGE = Path(__file__).parents[1].joinpath("docs", "recorder.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
LOOPS = [snippet for snippet in SNIPPETS if "Trainer" not in snippet]


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the page takes for granted."""
    monkeypatch.chdir(tmp_path)
    model = mlp()
    return {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "batches": [batch(step) for step in range(15)],
        "loss_function": torch.nn.functional.cross_entropy,
        "device": "cpu",
    }


@pytest.mark.parametrize("snippet", LOOPS)
def test_a_loop_runs_and_is_recorded(snippet, names):
    exec(snippet, names)

    trace = names["recorder"].trace()
    assert len(trace.steps) == 15
    assert trace.series["loss"].count() == 15


@pytest.mark.parametrize("name", ["lightning", "transformers"])
def test_a_callback_is_made(name, names, monkeypatch):
    class Trainer:
        def __init__(self, *_model, callbacks):
            self.callbacks = callbacks

    lightning = library(monkeypatch, "lightning.pytorch", Callback=object)
    hugging_face = library(monkeypatch, "transformers", TrainerCallback=object)
    monkeypatch.setattr(lightning, "Trainer", Trainer, raising=False)
    monkeypatch.setattr(hugging_face, "Trainer", Trainer, raising=False)
    (snippet,) = (text for text in SNIPPETS if f"recorder.{name}" in text)

    exec(snippet, names)

    module = importlib.import_module(f"gradhealth.recorder.{name}")
    (callback,) = names["trainer"].callbacks
    assert isinstance(callback, module.RecorderCallback)
    sys.modules.pop(module.__name__)


def test_every_series_of_the_recorder_is_in_the_table(names):
    told = set(re.findall(r"`(\w+)`", PAGE.partition("## What is recorded")[2]))
    with Recorder(names["model"], names["optimizer"]) as recorder:
        train(names["model"], names["optimizer"], num_steps=3, recorder=recorder)

    trace = recorder.trace()
    assert trace.series.keys() | trace.layer_series.keys() <= told
    assert Batch(0, trace.steps, trace.series, trace.layer_series).to_binary()
