"""Labels the suite by training: `python -m bench.accuracy.label`.

A twin is faulty when, with twice the steps and on three other seeds, its loss stays
above the healthy spec's by more than half of (trivial - healthy) in each; sound when it
does in none of eight, neither then nor after the spec's own steps: what fails one time
in five passes three seeds by luck. What fails one time in four passes eight at 10 %:
where one of the eight did not come close to the floor, sixteen more have to pass. The
rest is left out. The networks drawn at random have no healthy twin: they fail above the
middle between trivial loss and floor.
Nothing of gradhealth is imported, so that product and labels cannot share a mistake.
"""

import json
import math
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .held_out import HELD_OUT_LABELS, held_out
from .networks import Spec, build, draw, floor
from .suite import LABELS, cases

SEEDS = (100, 101, 102)
# Trained as well where the first ones learn.
MORE_SEEDS = (103, 104, 105, 106, 107)
# Trained as well where all eight learn, but one ends above this part of the way from
# the floor to the trivial loss.
FURTHER_SEEDS = tuple(range(200, 216))
CLOSE = 0.25
ALL_SEEDS = (*SEEDS, *MORE_SEEDS, *FURTHER_SEEDS)
# What ends above this share of the trivial loss has not learned.
LEARNS = 0.7
# What ends above this part of the way from the floor to the trivial loss fails.
MIDDLE = 0.5
LONGER = 2
LAST_SHARE = 0.05
# Labels are written after so many networks.
KEPT_EVERY = 5


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
    for seed in ALL_SEEDS[len(losses) :]:
        if is_complete(spec, losses):
            break
        losses.append([_finite(value) for value in final_losses(spec, seed)])
    return losses


def is_complete(spec: Spec, losses: list[list[float]]) -> bool:
    """Whether seeds enough were trained: three, eight where some of them learn, ..."""
    return len(losses) >= _num_seeds(spec, losses)


def _num_seeds(spec: Spec, losses: list[list[float]]) -> int:
    num_seeds = len(SEEDS) + len(MORE_SEEDS)
    if not any(last < LEARNS * trivial for _, last, trivial in losses):
        return len(SEEDS)
    if len(losses) < num_seeds:
        return num_seeds
    # How much is left to learn, in the worst of eight.
    left = max(
        (max(own, twice) - floor(spec, seed)) / (trivial - floor(spec, seed))
        for (own, twice, trivial), seed in zip(losses, ALL_SEEDS, strict=False)
    )
    return len(ALL_SEEDS) if CLOSE < left < MIDDLE else num_seeds


def _finite(value: float) -> float:
    # Any loss that large says the same, and JSON knows no infinity.
    return round(min(value, 1e30), 6) if value == value else 1e30  # noqa: PLR0124


def main() -> None:
    """Trains what has no label yet, on as many processes as the argument says."""
    with ProcessPoolExecutor(int(sys.argv[1]) if len(sys.argv) > 1 else 2) as pool:
        _label(HELD_OUT_LABELS, {case.key: case.spec for case in held_out()}, pool)
        _label(LABELS, {case.key: case.spec for case in cases()}, pool)


def _label(path: Path, wanted: Mapping[str, Spec], pool: ProcessPoolExecutor) -> None:
    """Brings a file of labels up to date; each is kept soon after it is known."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known = {key: value for key, value in known.items() if key in wanted}
    # By key, which is as good as a random order: a part is fair to all families.
    missing = sorted(
        key for key, spec in wanted.items() if not is_complete(spec, known.get(key, []))
    )
    jobs = [(wanted[key], known.get(key, [])) for key in missing]
    measured = pool.map(_measure, jobs)
    for number, (key, losses) in enumerate(zip(missing, measured, strict=True), 1):
        known[key] = losses
        if number % KEPT_EVERY == 0 or number == len(missing):
            path.write_text(json.dumps(known, indent=0, sort_keys=True))
            print(f"{path.name}: {number} of {len(missing)}", flush=True)


if __name__ == "__main__":
    main()
