"""With Lightning itself where it is installed, else with its order of calls."""

import importlib
import math
import sys

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.stand_ins import library
from tests.support.trainings import batch, mlp

NUM_STEPS, ACCUMULATED, MAX_NORM = 12, 2, 0.05


class FakeTrainer:
    """Lightning 2.6's calls of a callback in automatic optimization."""

    gradient_clip_algorithm = None
    precision_plugin = None
    global_step = 0

    def __init__(self, callbacks):
        (self.callback,) = callbacks
        self.gradient_clip_val = MAX_NORM
        self.accumulate_grad_batches = ACCUMULATED
        self.callback_metrics = {}

    def fit(self, model):
        self.model = model
        self.optimizers = [model.configure_optimizers()]
        self.callback.on_train_start(self, model)
        try:
            for step in range(NUM_STEPS):
                self.backward(2 * step)
                self.optimizers[0].step(lambda step=step: self.closure(2 * step + 1))
            self.callback_metrics = {"val_loss": torch.tensor(0.5)}
            self.callback.on_validation_end(self, model)
            self.callback.on_train_end(self, model)
        except Exception as error:
            self.callback.on_exception(self, model, error)
            raise

    def backward(self, number):
        loss = self.model.training_step(batch(number), number) / ACCUMULATED
        if number % ACCUMULATED == 0:
            self.optimizers[0].zero_grad()
        self.callback.on_before_backward(self, self.model, loss)
        loss.backward()

    def closure(self, number):
        self.backward(number)
        self.callback.on_before_optimizer_step(self, self.model, self.optimizers[0])
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_NORM)


def real_trainer(lightning, callbacks, folder):
    return lightning.Trainer(
        max_epochs=1,
        accumulate_grad_batches=ACCUMULATED,
        gradient_clip_val=MAX_NORM,
        callbacks=callbacks,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )


def loader(batches):
    return torch.utils.data.DataLoader(batches, batch_size=None)


@pytest.fixture
def lightning(monkeypatch):
    """The library, or a stand-in with the base classes."""
    return library(
        monkeypatch, "lightning.pytorch", Callback=object, LightningModule=nn.Module
    )


@pytest.fixture
def fit(lightning, tmp_path):
    """Trains, and gives the callback, and each step's norm and loss by the model."""

    class Classifier(lightning.LightningModule):
        def __init__(self, *, fails_at=math.inf):
            super().__init__()
            self.body = mlp()
            self.fails_at = fails_at
            self.losses = []

        def training_step(self, pair, number):
            assert number < self.fails_at, "on purpose"
            x, y = pair
            loss = nn.functional.cross_entropy(self.body(x), y)
            self.losses.append(loss.item())
            return loss

        def validation_step(self, _pair, _number):
            self.log("val_loss", torch.tensor(0.5))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    def run(*, fails_at=math.inf):
        recorder = importlib.import_module("gradhealth.recorder.lightning")
        callback = recorder.RecorderCallback(run="lit", budget=None)
        model = Classifier(fails_at=fails_at)
        if math.isfinite(fails_at):
            with pytest.raises(AssertionError, match="on purpose"):
                train(model, callback)
        else:
            train(model, callback)
        return callback, model

    def train(model, callback):
        if hasattr(lightning, "Trainer"):
            data = [batch(number) for number in range(NUM_STEPS * ACCUMULATED)]
            trainer = real_trainer(lightning, [callback], tmp_path)
            trainer.fit(model, loader(data), loader([batch(0)]))
        else:
            FakeTrainer([callback]).fit(model)

    yield run
    sys.modules.pop("gradhealth.recorder.lightning", None)


def test_a_fit_is_recorded_with_losses_and_norms_before_clipping(fit):
    callback, model = fit()
    trace = callback.recorder.trace()

    assert trace.run == "lit"
    assert trace.steps.tolist()[:NUM_STEPS] == list(range(NUM_STEPS))
    means = np.array(model.losses[: NUM_STEPS * 2]).reshape(-1, ACCUMULATED).mean(1)
    np.testing.assert_allclose(trace.series["loss"][:NUM_STEPS], means, rtol=1e-5)
    assert trace.context.clip_measured == "pre"
    assert trace.context.clip_max_norm == MAX_NORM
    assert (trace.series["grad_norm"][:NUM_STEPS] > 2 * MAX_NORM).all()
    assert trace.series["eval_loss"].compressed().tolist() == [0.5]
    assert trace.layer_series["forward_std"].count() > 0


def test_a_fit_that_fails_leaves_no_hooks_and_keeps_what_it_saw(fit):
    callback, model = fit(fails_at=5)

    assert not any(module._forward_hooks for module in model.modules())
    assert len(callback.recorder.trace().steps) >= 2
