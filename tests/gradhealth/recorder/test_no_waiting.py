"""On a GPU every look at a number from the host waits for all work before it."""

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from gradhealth.recorder import Recorder
from tests.support.trainings import Reader, batch, mlp

# What item(), tolist(), bool(), and indexing by a mask come down to.
WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero")


class Waits(TorchDispatchMode):
    """Writes down every operation of this thread that would wait."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in WAITING:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


def waits(model, *, length=None, watch=True):
    """Operations that wait in 60 steps, sampled ones among them."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder = Recorder(model, optimizer, sample_every=5, budget=None)
    if watch:
        recorder.start()
    with Waits() as mode:
        for step in range(60):
            x, y = batch(step, length=length)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            recorder.log(loss=loss)
            optimizer.step()
    recorder.close()
    assert recorder.notes == []
    assert not watch or len(recorder.trace().steps) == 60
    return mode.seen


def test_the_training_never_waits_for_its_recorder():
    for activation in (nn.ReLU, nn.Tanh):
        assert waits(mlp(activation=activation)) == []


def test_nor_does_a_recurrent_one():
    assert waits(Reader(), length=6) == waits(Reader(), length=6, watch=False) == []


def test_a_look_at_a_number_would_be_seen():
    with Waits() as mode:
        torch.ones(1).item()

    assert mode.seen == ["_local_scalar_dense"]
