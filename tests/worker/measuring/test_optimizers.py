from typing import Any

import pytest
import torch
from torch import nn

from gradhealth.schemas.training import Training
from worker.measuring.optimizers import make_optimizer, make_schedule

KINDS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam"]


def training(**fields: Any) -> Training:
    return Training.model_validate(fields)


def steps_of(optimizer: torch.optim.Optimizer, weight: nn.Parameter) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        weight.grad = torch.randn(weight.shape, generator=generator).to(weight.dtype)
        optimizer.step()
    return weight.detach()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_updates_are_torchs_own(kind: str, dtype: torch.dtype):
    torchs, ours = (nn.Parameter(torch.ones(64, 8, dtype=dtype)) for _ in range(2))
    plain = getattr(torch.optim, kind)([torchs], lr=0.01, weight_decay=0.1)
    optimizer = {"type": kind, "lr": 0.01, "weight_decay": 0.1}

    made = make_optimizer(training(optimizer=optimizer), [ours])

    # float32 may differ in the last digit; a lost update in bfloat16 may not.
    tolerance = 1e-6 if dtype == torch.float32 else 0
    expected = steps_of(plain, torchs)
    assert torch.allclose(steps_of(made, ours), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_torchs_own(kind: str):
    weight = nn.Parameter(torch.ones(2))
    plain = getattr(torch.optim, kind)([weight])
    expected = training(optimizer={"type": kind}).optimizer.model_dump()
    if kind != "SGD":  # whose rate is 0.1 here
        assert plain.defaults["lr"] == expected["lr"]

    made = make_optimizer(training(optimizer={"type": kind}), [weight])

    switches = {"lr", "foreach", "fused"}
    assert {k: v for k, v in made.defaults.items() if k not in switches} == {
        k: v for k, v in plain.defaults.items() if k not in switches
    }


def test_the_rate_is_constant_by_default():
    schedule = make_schedule(training())

    assert [schedule(step) for step in (0, 100)] == [1, 1]


def test_warmup_rises_to_the_full_rate():
    fields = {"type": "linear_warmup", "warmup_steps": 4}

    schedule = make_schedule(training(schedule=fields))

    assert [schedule(step) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_no_warmup_starts_at_the_full_rate():
    fields = {"type": "linear_warmup", "warmup_steps": 0}

    assert make_schedule(training(schedule=fields))(0) == 1


def test_a_cosine_falls_to_its_final_ratio():
    fields = {"type": "cosine", "warmup_steps": 2, "final_ratio": 0.1}

    schedule = make_schedule(training(schedule=fields, steps=12))

    assert schedule(0) == 0.5
    assert schedule(2) == 1
    assert schedule(7) == pytest.approx(0.55)
    assert schedule(12) == pytest.approx(0.1)
