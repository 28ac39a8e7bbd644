"""Labels the suite by training: `python -m bench.accuracy.label`.

A twin is faulty when, with twice the steps and on three other seeds, its loss stays
above the healthy spec's by more than half of (trivial - healthy) in each; sound when it
does in none of eight, neither then nor after the spec's own steps: what fails one time
in five passes three seeds by luck. The rest is left out.
Nothing of gradhealth is imported, so that product and labels cannot share a mistake.
"""

import json
import math
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .networks import Spec, build, draw
from .suite import LABELS, cases

SEEDS = (100, 101, 102)
# Trained as well where the first ones learn.
MORE_SEEDS = (103, 104, 105, 106, 107)
# What ends above this share of the trivial loss has not learned.
LEARNS = 0.7
LONGER = 2
LAST_SHARE = 0.05


def trivial_loss(y: Tensor) -> float:
    """Loss of the best constant predictor."""
    if y.is_floating_point():
        return float(y.var(unbiased=False, dim=0).mean())
    shares = torch.bincount(y.flatten()) / y.numel()
    return float(-(shares * shares.clamp_min(1e-12).log()).sum())


def final_losses(spec: Spec, seed: int) -> tuple[float, float, float]:
    """Loss after the spec's steps and after twice as many, and the trivial loss."""
    torch.manual_seed(seed)
    x, y = draw(spec, seed)
    training = spec["training"]
    model = build(spec, x[:8]).train()
    if training.get("precision") == "bfloat16":
        model = model.bfloat16()
        x = x.bfloat16() if x.is_floating_point() else x
    losses = _train(model, x, y, training, seed)
    return _last(losses[: training["steps"]]), _last(losses), trivial_loss(y)


def _last(losses: list[float]) -> float:
    last = losses[-max(3, round(LAST_SHARE * len(losses))) :]
    return sum(last) / len(last)


def _train(
    model: nn.Module, x: Tensor, y: Tensor, training: dict[str, Any], seed: int
) -> list[float]:
    arguments = dict(training["optimizer"])
    optimizer = getattr(torch.optim, arguments.pop("type"))(
        model.parameters(), **arguments
    )
    random = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    for _ in range(LONGER * training["steps"]):
        batch = torch.randint(len(x), (training["batch_size"],), generator=random)
        loss = _loss(model(x[batch]).float(), y[batch])
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            return [math.inf] * LONGER * training["steps"]
        optimizer.zero_grad()
        (loss * training.get("loss_scale", 1)).backward()
        if "clip_grad_norm" in training:
            nn.utils.clip_grad_norm_(model.parameters(), training["clip_grad_norm"])
        optimizer.step()
    return losses


def _loss(output: Tensor, y: Tensor) -> Tensor:
    if y.is_floating_point():
        return functional.mse_loss(output, y)
    return functional.cross_entropy(output.flatten(0, -2), y.flatten())


def _measure(job: tuple[Spec, list[list[float]]]) -> list[list[float]]:
    """The losses of each seed, those that are known already first."""
    spec, losses = job
    torch.set_num_threads(1)
    for seed in (*SEEDS, *MORE_SEEDS)[len(losses) :]:
        if is_complete(losses):
            break
        losses.append([_finite(value) for value in final_losses(spec, seed)])
    return losses


def is_complete(losses: list[list[float]]) -> bool:
    """Whether seeds enough were trained: three, or eight where some of them learn."""
    some_learn = any(last < LEARNS * trivial for _, last, trivial in losses)
    return len(losses) >= len(SEEDS) + some_learn * len(MORE_SEEDS)


def _finite(value: float) -> float:
    # Any loss that large says the same, and JSON knows no infinity.
    return round(min(value, 1e30), 6) if value == value else 1e30  # noqa: PLR0124


def main() -> None:
    """Trains what has no label yet; every label is kept as soon as it is known."""
    known = json.loads(LABELS.read_text()) if LABELS.exists() else {}
    wanted = {case.key: case.spec for case in cases()}
    known = {key: value for key, value in known.items() if key in wanted}
    missing = [key for key in wanted if not is_complete(known.get(key, []))]
    with ProcessPoolExecutor(int(sys.argv[1]) if len(sys.argv) > 1 else 2) as pool:
        jobs = [(wanted[key], known.get(key, [])) for key in missing]
        measured = pool.map(_measure, jobs)
        for number, (key, losses) in enumerate(zip(missing, measured, strict=True), 1):
            known[key] = losses
            if number % 20 == 0 or number == len(missing):
                LABELS.write_text(json.dumps(known, indent=0, sort_keys=True))
                print(f"{number} of {len(missing)}", flush=True)


if __name__ == "__main__":
    main()
