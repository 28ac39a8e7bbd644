"""One network in training: a run that can be stopped, looked at and continued."""

import math
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from gradhealth.architecture.network import Network

from ..proving.pretraining import Pretraining
from .build import Model, build
from .data import Dataset, batches, load
from .init import initialise
from .losses import loss_function
from .optimizers import make_optimizer, make_schedule

HALF = {"bfloat16": torch.bfloat16, "float16": torch.float16}
AMP = {"amp_bfloat16": torch.bfloat16, "amp_float16": torch.float16}

# Share of the last steps whose mean is the final loss, and at least this many steps.
LAST_SHARE, MIN_LAST_STEPS = 0.05, 3


@dataclass(slots=True)
class Seconds:
    """Wall-clock time spent, by part; the four steps of training apart."""

    build: float = 0.0
    forward: float = 0.0
    loss: float = 0.0
    backward: float = 0.0
    update: float = 0.0


Place = Literal["data", "activation", "loss", "gradient", "weight"]


class Watcher(Protocol):
    """Looks at a run on its way; must not change it."""

    def before_step(self, run: "TrainingRun") -> None:
        """Called with the state before update `run.num_updates`."""

    def after_backward(self, run: "TrainingRun") -> None:
        """Called with fresh, unscaled, unclipped gradients."""

    def after_update(self, run: "TrainingRun") -> None:
        """Called with the updated weights."""


class _RandomState:
    """torch's generators (dropout draws from them) as one run left them.

    Runs are trained in turns; each goes on with its own state.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._devices = [device] if device.type == "cuda" else []
        self._outer = self._now()
        # torch.manual_seed would queue a call for every kind of device, each time.
        torch.default_generator.manual_seed(seed)
        for gpu in self._devices:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        self._own = self._now()
        self._set(self._outer)

    def __enter__(self) -> None:
        self._outer = self._now()
        self._set(self._own)

    def __exit__(self, *_error: object) -> None:
        self._own = self._now()
        self._set(self._outer)

    def _now(self) -> list[Tensor]:
        states = [torch.cuda.get_rng_state(device) for device in self._devices]
        return [torch.get_rng_state(), *states]

    def _set(self, states: list[Tensor]) -> None:
        torch.set_rng_state(states[0])
        for device, state in zip(self._devices, states[1:], strict=True):
            torch.cuda.set_rng_state(state, device)


class TrainingRun:
    """A network, its data and its optimizer at one seed.

    Same network, seed, rate and device: same numbers, however the steps are split
    over calls of `advance`.

    Args:
        network: The checked spec.
        seed: Draws data, weights and batches.
        lr_multiplier: Factor on the spec's learning rate.
        device: Where to train.
    """

    def __init__(
        self,
        network: Network,
        seed: int,
        *,
        lr_multiplier: float = 1.0,
        device: torch.device,
    ) -> None:
        began = perf_counter()
        training = network.spec.training
        self.network = network
        self.seed = seed
        self.seconds = Seconds()
        self.losses: list[float] = []
        self.num_updates = 0
        self.data: Dataset = load(network, seed)
        self._batches = batches(self.data, training.batch_size, seed)
        self._dtype = HALF.get(training.precision, torch.float32)
        self._device = device
        self.model: Model = build(network, seed)
        first_x, _ = next(batches(self.data, training.batch_size, seed))
        initialise(self.model, network, first_x, seed)
        self.model.to(device, self._dtype)
        self._criterion = loss_function(network.goal)
        self._parameters = list(self.model.parameters())
        self._optimizer = make_optimizer(training, self._parameters)
        self._base_lr = training.optimizer.lr * lr_multiplier
        self._set_lr(self._base_lr)
        self._schedule = make_schedule(training)
        self._constant_lr = training.schedule.type == "constant"
        amp = training.precision == "amp_float16"
        self._scaler = torch.amp.GradScaler(device.type) if amp else None
        self._random = _RandomState(seed, device)
        if training.pretrain is not None and network.stations:
            Pretraining(
                self.model, network, self._draw, self._criterion, self._base_lr
            ).run(training.pretrain.steps_per_layer)
        self.seconds.build = perf_counter() - began

    @property
    def is_finite(self) -> bool:
        """Whether the loss has stayed a finite number."""
        return not self.losses or math.isfinite(self.losses[-1])

    @property
    def lr(self) -> float:
        """The learning rate now."""
        return float(self._optimizer.param_groups[0]["lr"])

    def advance(self, num_steps: int, watcher: Watcher | None = None) -> None:
        """Trains until `num_steps` updates are done or the loss is not finite."""
        self.model.train()
        with self._random:
            while self.num_updates < num_steps and self.is_finite:
                self._step(watcher)

    def last_loss(self) -> float | None:
        """Mean loss of the last 5 % of the steps (3 at least); null: not finite."""
        if not self.losses or not self.is_finite:
            return None
        count = max(MIN_LAST_STEPS, round(LAST_SHARE * self.num_updates))
        last = self.losses[-count:]
        return math.fsum(last) / len(last)

    def progress(self) -> float | None:
        """0: no better than the best constant; 1: solved; null: not finite."""
        loss = self.last_loss()
        if loss is None:
            return None
        trivial, floor = self.data.trivial_loss, self.data.floor
        return (trivial - loss) / (trivial - floor) if trivial > floor else 0.0

    def on_device(self, x: Tensor) -> Tensor:
        """Samples where and in the precision the model takes them."""
        if x.is_floating_point():
            return x.to(self._device, self._dtype)
        return x.to(self._device)

    def blame(self) -> tuple[Place, str | None]:
        """Where the forward pass of the last batch stops being finite."""
        if not all(t.isfinite().all() for t in self._last_batch):
            return "data", None
        x, _ = self._last_batch
        for node in self.network.walk():
            parameters = self.model.parameters_of(node.path).values()
            if not all(parameter.isfinite().all() for parameter in parameters):
                return "weight", node.path
        broken: list[str] = []
        with ExitStack() as hooks, torch.no_grad():
            for node in self.network.walk():
                module = self.model.modules_by_path[node.path]
                handle = module.register_forward_hook(partial(_note, broken, node.path))
                hooks.callback(handle.remove)
            self.model(x)
        return ("activation", broken[0]) if broken else ("loss", None)

    def _draw(self) -> tuple[Tensor, Tensor]:
        x, y = next(self._batches)
        self._last_batch = self.on_device(x), y.to(self._device)
        return self._last_batch

    def _set_lr(self, lr: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = lr

    def _step(self, watcher: Watcher | None) -> None:
        if not self._constant_lr:
            self._set_lr(self._base_lr * self._schedule(self.num_updates))
        if watcher is not None:
            watcher.before_step(self)
        x, y = self._draw()
        began = perf_counter()
        with self._autocast():
            output = self.model(x)
        forwarded = perf_counter()
        loss = self._criterion(output.float(), y)
        compared = perf_counter()
        self.losses.append(loss.item())
        if not self.is_finite:
            return  # the state that broke stays as it is, to be looked at
        for parameter in self._parameters:
            parameter.grad = None
        self._backward(loss)
        derived = perf_counter()
        if watcher is not None:
            watcher.after_backward(self)
        watched = perf_counter()
        self._update()
        updated = perf_counter()
        self.seconds.forward += forwarded - began
        self.seconds.loss += compared - forwarded
        self.seconds.backward += derived - compared
        self.seconds.update += updated - watched
        self.num_updates += 1
        if watcher is not None:
            watcher.after_update(self)

    def _autocast(self) -> "torch.autocast | nullcontext[None]":
        dtype = AMP.get(self.network.spec.training.precision)
        if dtype is None:
            return nullcontext()
        return torch.autocast(self._device.type, dtype=dtype)

    def _backward(self, loss: Tensor) -> None:
        training = self.network.spec.training
        objective = loss
        if training.l1:
            weights = [p for p in self._parameters if p.dim() > 1]
            objective = objective + training.l1 * sum(w.abs().sum() for w in weights)
        if training.loss_scale != 1:
            objective = objective * training.loss_scale
        if self._scaler is None:
            objective.backward()  # type: ignore[no-untyped-call]  # torch's own gap
            return
        self._scaler.scale(objective).backward()  # type: ignore[no-untyped-call]  # same
        self._scaler.unscale_(self._optimizer)

    def _update(self) -> None:
        training = self.network.spec.training
        if training.clip_grad_norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, training.clip_grad_norm)
        if training.clip_grad_value is not None:
            nn.utils.clip_grad_value_(self._parameters, training.clip_grad_value)
        if self._scaler is None:
            self._optimizer.step()
        else:
            self._scaler.step(self._optimizer)
            self._scaler.update()


def _note(
    broken: list[str], path: str, _module: nn.Module, _inputs: object, output: Tensor
) -> None:
    """A forward hook that keeps the path when the output is not finite."""
    if not output.isfinite().all():
        broken.append(path)
