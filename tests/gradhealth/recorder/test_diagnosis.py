import math

import pytest
import torch
from torch import nn

from gradhealth.recorder import Recorder, diagnose


def judged(activation, init, *, num_steps=60, finish=True):
    """The judgement on 16 layers that are trained on separable clusters."""
    torch.manual_seed(0)
    layers = [m for _ in range(16) for m in (nn.Linear(32, 32), activation())]
    model = nn.Sequential(*layers, nn.Linear(32, 4))
    for layer in model:
        if isinstance(layer, nn.Linear):
            init(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    centres = torch.randn(4, 32)
    with Recorder(
        model, optimizer, trivial_loss=math.log(4), budget=None, run="net"
    ) as recorder:
        for _ in range(num_steps):
            y = torch.randint(4, (32,))
            x = centres[y] + 0.3 * torch.randn(32, 32)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            recorder.log(loss=loss)
            optimizer.step()
        if not finish:
            return diagnose(recorder)
    return diagnose(recorder)


def test_a_vanishing_gradient_is_found_and_shown():
    judgement = judged(nn.Sigmoid, nn.init.xavier_uniform_)

    assert judgement.verdict == "critical"
    assert judgement.findings[0].problem == "vanishing_gradient"
    assert "net: critical - vanishing_gradient" in str(judgement)
    assert "<svg" in judgement.to_html()
    assert judgement._repr_html_().startswith("<iframe srcdoc=")


@pytest.mark.parametrize("finish", [False, True])
def test_a_healthy_training_is_healthy_while_it_runs_and_after(finish):
    judgement = judged(nn.Tanh, nn.init.xavier_uniform_, finish=finish)

    assert judgement.verdict == "healthy"
    assert judgement.findings == []


def test_nothing_recorded_is_nothing_to_judge_by():
    model = nn.Linear(2, 2)
    recorder = Recorder(model, torch.optim.SGD(model.parameters()))

    assert diagnose(recorder).verdict == "insufficient_data"
