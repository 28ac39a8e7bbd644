"""With Hugging Face's trainer itself where it is installed, else with its calls."""

import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.stand_ins import library
from tests.support.trainings import batch, mlp

NUM_STEPS, MAX_NORM = 12, 0.05


class Classifier(nn.Module):
    """As the trainer wants it: batches come as keywords, the loss goes out."""

    def __init__(self):
        super().__init__()
        self.body = mlp()

    def forward(self, x, labels):
        logits = self.body(x)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Wrapped(torch.optim.Optimizer):
    """As accelerate's: an optimizer that has one, and was never made as one."""

    def __init__(self, optimizer):
        self.optimizer, self.scaler = optimizer, None


def fake_training(callback, model):
    """The order in which transformers 5.24 calls a callback."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapped = Wrapped(optimizer)
    args = SimpleNamespace(max_grad_norm=MAX_NORM)
    state = SimpleNamespace(global_step=0)
    objects = {"model": model, "optimizer": wrapped}
    callback.on_train_begin(args, state, None, **objects)
    for step in range(NUM_STEPS):
        x, y = batch(step)
        optimizer.zero_grad()
        loss = model(x=x, labels=y)["loss"]
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        state.global_step += 1
        logs = {"loss": loss.item(), "grad_norm": norm.item(), "learning_rate": 0.1}
        callback.on_log(args, state, None, logs=logs, **objects)
    callback.on_log(args, state, None, logs={"train_runtime": 1.0}, **objects)
    callback.on_train_end(args, state, None, **objects)


def real_training(transformers, callback, model, folder):
    rows = []
    for step in range(NUM_STEPS):
        x, y = batch(step)
        rows += [{"x": x[i], "labels": y[i]} for i in range(len(y))]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=8,
        num_train_epochs=1,
        max_grad_norm=MAX_NORM,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )
    transformers.Trainer(
        model, arguments, train_dataset=rows, callbacks=[callback]
    ).train()


@pytest.fixture
def train_it(monkeypatch, tmp_path):
    """Trains a model and gives the callback."""
    hugging_face = library(monkeypatch, "transformers", TrainerCallback=object)

    def run(model):
        recorder = importlib.import_module("gradhealth.recorder.transformers")
        callback = recorder.RecorderCallback(run="hf", budget=None)
        if hasattr(hugging_face, "Trainer"):
            real_training(hugging_face, callback, model, tmp_path)
        else:
            fake_training(callback, model)
        return callback

    yield run
    sys.modules.pop("gradhealth.recorder.transformers", None)


def test_a_training_is_recorded_with_what_the_trainer_logs(train_it):
    callback = train_it(Classifier())
    trace = callback.recorder.trace()

    assert trace.run == "hf"
    assert trace.layer_series["grad_norm"].shape[0] >= NUM_STEPS
    np.testing.assert_allclose(
        trace.series["grad_norm"].compressed(), MAX_NORM, rtol=1e-3
    )
    assert trace.context.clip_measured == "post"
    assert trace.context.clip_max_norm == MAX_NORM
    assert trace.series["loss"].count() == NUM_STEPS
    before = trace.series["grad_norm_before_clipping"].compressed()
    assert (before > 2 * MAX_NORM).all()
    assert trace.layer_series["forward_std"].count() > 0


def test_after_a_training_no_hooks_are_left(train_it):
    model = Classifier()

    train_it(model)

    assert not any(module._forward_hooks for module in model.modules())
