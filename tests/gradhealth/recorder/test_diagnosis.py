import math
from html import unescape

import pytest
import torch
from torch import nn

from gradhealth.recorder import Recorder, diagnose

NAN = float("nan")


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


def recorded_until_it_breaks(first_nan):
    """A small regression whose inputs are NaN from a step on."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with Recorder(model, optimizer, budget=None) as recorder:
        for step in range(60):
            x = torch.randn(16, 4) if step < first_nan else torch.full((16, 4), NAN)
            optimizer.zero_grad()
            loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
            loss.backward()
            recorder.log(loss=loss)
            optimizer.step()
    return recorder


def test_a_vanishing_gradient_is_found_and_shown():
    judgement = judged(nn.Sigmoid, nn.init.xavier_uniform_)

    assert judgement.verdict == "critical"
    assert judgement.findings[0].problem == "vanishing_gradient"
    assert "net: critical - vanishing_gradient" in str(judgement)
    assert judgement.trace.run == "net"


def test_a_notebook_shows_the_gradient_by_depth_and_what_may_help():
    shown = judged(nn.Sigmoid, nn.init.xavier_uniform_)._repr_html_()

    assert shown.startswith("<iframe srcdoc=")
    page = unescape(shown)
    assert "<svg" in page
    assert "Gradient norm by layer and step" in page
    assert "Not verified on your model" in page


def test_the_cause_is_told_from_the_run_alone():
    judgement = judged(nn.Sigmoid, nn.init.xavier_uniform_)

    vanishing, stalled = judgement.findings
    assert vanishing.cause.kind == "activation"
    assert stalled.consequence_of == "vanishing_gradient"
    # The last layer learns: it is not the rate.
    assert "the rate is too low" not in stalled.cause.text
    assert judgement.result.environment.versions.keys() == {"gradhealth", "torch"}


def test_a_loss_that_breaks_is_dated():
    recorder = recorded_until_it_breaks(first_nan=40)

    finding = diagnose(recorder).findings[0]

    assert finding.problem == "non_finite"
    assert finding.step == 40


def test_notes_of_the_recorder_are_told():
    model = nn.Linear(2, 2)
    with Recorder(model, torch.optim.SGD(model.parameters())) as recorder:
        pass

    assert "no step of the optimizer was seen" in diagnose(recorder).result.notes[0]


@pytest.mark.parametrize("finish", [False, True])
def test_a_healthy_training_is_healthy_while_it_runs_and_after(finish):
    judgement = judged(nn.Tanh, nn.init.xavier_uniform_, finish=finish)

    assert judgement.verdict == "healthy"
    assert judgement.findings == []


def test_nothing_recorded_is_nothing_to_judge_by():
    model = nn.Linear(2, 2)
    recorder = Recorder(model, torch.optim.SGD(model.parameters()))

    assert diagnose(recorder).verdict == "insufficient_data"
