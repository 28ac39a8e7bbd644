"""Ways to watch gradients while a training runs, each in a loop of its own."""

import importlib
from tempfile import TemporaryDirectory

import torch

from gradhealth.recorder import Recorder


class Bare:
    """A training that nobody watches; others add to it.

    `stack` takes what must be closed in the end.
    """

    def __init__(self, case, stack):
        self.case = case
        self.optimizer = torch.optim.AdamW(case.model.parameters())
        self.folder = stack.enter_context(TemporaryDirectory())

    def advance(self, num_steps):
        for _ in range(num_steps):
            self.optimizer.zero_grad()
            loss = self.case.loss()
            loss.backward()
            self.watch(loss)
            self.optimizer.step()

    def watch(self, loss):
        """Between backward pass and optimizer step."""


class Recorded(Bare):
    """The recorder as it is by default, into a file."""

    settings = {}

    def __init__(self, case, stack):
        super().__init__(case, stack)
        recorder = Recorder(case.model, self.optimizer, to=self.folder, **self.settings)
        self.recorder = stack.enter_context(recorder)

    def watch(self, loss):
        self.recorder.log(loss=loss)


class NormsEachStep(Recorded):
    settings = {"budget": None, "sample_every": 10**9}


class AllWithoutBudget(Recorded):
    settings = {"budget": None}


class NaiveLoop(Bare):
    """What people write first."""

    def watch(self, _loss):
        self.norms = [p.grad.norm().item() for p in self.case.model.parameters()]


class LightningGradNorm(Bare):
    """Each step, read on the host as a logger does."""

    def __init__(self, case, stack):
        super().__init__(case, stack)
        lightning = importlib.import_module("lightning.pytorch.utilities")
        self.grad_norm = lightning.grad_norm

    def watch(self, _loss):
        norms = self.grad_norm(self.case.model, norm_type=2)
        self.norms = {name: float(norm) for name, norm in norms.items()}


class WandbEachStep(Bare):
    """`watch(log="gradients")`, offline, with the loss logged at each step."""

    every = 1

    def __init__(self, case, stack):
        super().__init__(case, stack)
        wandb = importlib.import_module("wandb")
        self.run = wandb.init(
            mode="offline", dir=self.folder, settings=wandb.Settings(silent=True)
        )
        self.run.watch(case.model, log="gradients", log_freq=self.every)
        stack.callback(self.run.finish)

    def watch(self, loss):
        self.run.log({"loss": loss.detach()})


class WandbEachTenth(WandbEachStep):
    every = 10


VARIANTS = {
    "bare once more (noise)": Bare,
    "recorder, default": Recorded,
    "recorder, norms each step": NormsEachStep,
    "recorder, no budget": AllWithoutBudget,
    "naive loop, each step": NaiveLoop,
    "lightning grad_norm, each step": LightningGradNorm,
    "wandb.watch, freq 10": WandbEachTenth,
    "wandb.watch, freq 1": WandbEachStep,
}
