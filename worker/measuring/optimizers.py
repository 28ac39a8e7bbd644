"""The optimizer and the schedule of the learning rate."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from gradhealth.schemas.training import Constant, Cosine, Training

from .eager import eager

# One kernel for all parameters, 2 to 8 times faster than torch's default on the CPU.
FUSED = frozenset({"SGD", "Adam", "AdamW", "Adagrad"})


def make_optimizer(
    training: Training, parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """The spec's optimizer over parameters that are in their final place."""
    parameters = list(parameters)
    arguments = training.optimizer.model_dump(exclude={"type"})
    if "betas" in arguments:
        arguments["betas"] = tuple(arguments["betas"])
    name = training.optimizer.type
    implementation = _implementation(name, training.precision, parameters[0])
    kind = eager(getattr(torch.optim, name))
    return kind(parameters, **arguments, **implementation)


def _implementation(name: str, precision: str, example: nn.Parameter) -> dict[str, Any]:
    """The fastest implementation that rounds as torch's default does.

    In half precision the fused and the joint updates keep more digits in between than
    the plain loop, which would hide the lost updates that the analysis looks for; on
    CUDA torch's own default is fast.
    """
    if example.dtype != torch.float32 or example.is_cuda:
        return {}
    # GradScaler hands its scale to fused optimizers, unscaled gradients or not.
    if name in FUSED and precision != "amp_float16":
        return {"fused": True}
    return {"foreach": True}


def make_schedule(training: Training) -> Callable[[int], float]:
    """The factor on the learning rate at each step, counted from 0."""
    schedule = training.schedule
    if isinstance(schedule, Constant):
        return lambda _step: 1.0
    warmup_steps = schedule.warmup_steps

    def warmup(step: int) -> float:
        return min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0

    if not isinstance(schedule, Cosine):
        return warmup
    final_ratio = schedule.final_ratio
    num_decaying = max(1, training.steps - warmup_steps)

    def cosine(step: int) -> float:
        if step < warmup_steps:
            return warmup(step)
        done = min(1.0, (step - warmup_steps) / num_decaying)
        return final_ratio + (1 - final_ratio) * (1 + math.cos(math.pi * done)) / 2

    return cosine
