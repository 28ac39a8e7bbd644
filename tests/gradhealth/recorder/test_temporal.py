import numpy as np
import pytest
import torch
from torch import nn

from gradhealth.recorder import Recorder
from gradhealth.recorder.apart import cotangent
from gradhealth.recorder.temporal import temporal_gain
from tests.support.trainings import Reader, train


def stepwise(layer, x):
    """Gradient at each step's input, by unrolling the layer in time."""
    inputs = [x[:, t : t + 1].detach().requires_grad_() for t in range(x.shape[1])]
    state = None
    for step in inputs:
        out, state = layer(step, state)
    last = out[:, -1]
    grads = torch.autograd.grad(last, inputs, cotangent(last))
    return [grad.double().norm().item() for grad in grads]


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_the_temporal_gain_is_that_of_the_layer_unrolled(kind):
    torch.manual_seed(0)
    layer = kind(6, 10, batch_first=True)
    x = torch.randn(5, 12, 6)

    gain, lag = temporal_gain(layer, x)

    norms = stepwise(layer, x)
    assert gain.item() == pytest.approx(norms[0] / norms[-1], rel=1e-4)
    assert lag == 11


def test_time_may_come_first():
    torch.manual_seed(0)
    layer = nn.LSTM(6, 10)
    x = torch.randn(5, 12, 6)
    twin = nn.LSTM(6, 10, batch_first=True)
    twin.load_state_dict(layer.state_dict())

    gain, lag = temporal_gain(layer, x.transpose(0, 1))

    assert gain.item() == pytest.approx(temporal_gain(twin, x)[0].item(), rel=1e-5)
    assert lag == 11


def test_of_two_directions_the_forward_one_counts():
    torch.manual_seed(0)
    both = nn.GRU(6, 10, batch_first=True, bidirectional=True)
    forward = nn.GRU(6, 10, batch_first=True)
    weights = both.state_dict()
    forward.load_state_dict({k: weights[k] for k in forward.state_dict()})
    x = torch.randn(5, 12, 6)

    gains = [temporal_gain(layer, x)[0].item() for layer in (both, forward)]

    assert gains[0] == pytest.approx(gains[1], rel=1e-4)


def test_recurrent_trainings_show_it_at_some_of_the_sampled_steps():
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters())
    with Recorder(model, optimizer, sample_every=2, budget=None) as recorder:
        train(model, optimizer, num_steps=30, recorder=recorder, length=12)
    trace = recorder.trace()

    gains = trace.layer_series["temporal_gain"]
    known = ~np.ma.getmaskarray(gains).all(axis=1)
    assert trace.steps[known].tolist() == [0, 10]
    assert trace.layer_series["temporal_lag"].compressed().tolist() == [11.0] * 2
    assert (gains.compressed() > 0).all()
    assert (gains.compressed() < 1).all()


def test_a_packed_batch_is_trained_on_and_not_looked_at():
    torch.manual_seed(0)
    lstm, head = nn.LSTM(6, 10, batch_first=True), nn.Linear(10, 2)
    model = nn.ModuleDict({"lstm": lstm, "head": head})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    packed = nn.utils.rnn.pack_sequence([torch.randn(4, 6), torch.randn(2, 6)])

    with Recorder(model, optimizer) as recorder:
        _, (state, _) = lstm(packed)
        head(state[-1]).sum().backward()
        optimizer.step()

    assert "temporal_gain" not in recorder.trace().layer_series
    assert recorder.notes == []
