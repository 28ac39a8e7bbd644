import subprocess
import sys

import pytest
import torch
from torch import nn

from worker.measuring.eager import eager

KINDS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam"]
TRAIN_ALL = f"""
import sys
import worker.units as units

for kind in {KINDS}:
    for precision in ("float32", "bfloat16", "amp_float16"):
        spec = {{
            "data": {{"task": "clusters", "n": 8}},
            "model": [
                {{"type": "Linear", "out_features": 4}},
                {{"type": "ReLU"}},
                {{"type": "Linear", "out_features": 4}},
            ],
            "training": {{
                "optimizer": {{"type": kind}},
                "steps": 2,
                "batch_size": 4,
                "precision": precision,
                "clip_grad_norm": 1.0,
                "pretrain": {{"type": "layerwise", "steps_per_layer": 2}},
            }},
            "probe": {{"seeds": [0], "samples": 4}},
        }}
        units.measure({{"spec": spec}}, lambda *_: None)
print("torch._dynamo" in sys.modules)
"""


def weights_after(kind, **arguments):
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(64, 8))
    optimizer = kind([weight], lr=0.01, **arguments)
    for _ in range(5):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
    return weight.detach(), optimizer.state_dict()


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("arguments", [{}, {"foreach": True}], ids=["loop", "joint"])
def test_the_updates_are_the_same_to_the_last_bit(name, arguments):
    kind = getattr(torch.optim, name)

    plain, plain_state = weights_after(kind, **arguments)
    ours, our_state = weights_after(eager(kind), **arguments)

    assert torch.equal(plain, ours)
    assert plain_state["param_groups"] == our_state["param_groups"]


def test_gradients_of_an_update_are_not_tracked():
    weight, _ = weights_after(eager(torch.optim.SGD))

    assert not weight.requires_grad


def test_no_training_imports_the_compiler():
    done = subprocess.run(
        [sys.executable, "-c", TRAIN_ALL], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"
