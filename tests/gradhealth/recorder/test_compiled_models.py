import numpy as np
import pytest
import torch
from torch import nn

from gradhealth.recorder import Recorder
from tests.support.trainings import mlp, train


def normed():
    return mlp(extra=(lambda: nn.BatchNorm1d(16), lambda: nn.Dropout(0.1)))


def compiled(model):
    return torch.compile(model, backend="aot_eager")


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def run(model, *, watch=True):
    optimizer = sgd(model)
    if not watch:
        return train(model, optimizer, num_steps=25), None
    with Recorder(model, optimizer, sample_every=5, budget=None) as recorder:
        losses = train(model, optimizer, num_steps=25, recorder=recorder)
    return losses, recorder


def test_a_compiled_training_is_bitwise_the_same():
    watched, bare = compiled(normed()), compiled(normed())

    losses, _ = run(watched)
    bare_losses, _ = run(bare, watch=False)

    assert losses == bare_losses
    for name, value in watched.state_dict().items():
        assert torch.equal(value, bare.state_dict()[name]), name


def test_a_compiled_model_has_the_layers_and_numbers_of_the_one_inside():
    inside = mlp()
    _, recorder = run(compiled(inside))
    trace = recorder.trace()

    _, plain = run(mlp())
    expected = plain.trace()
    assert [x.path for x in trace.layers] == [x.path for x in expected.layers]
    assert trace.layer_series.keys() == expected.layer_series.keys()
    for name in ("grad_norm", "weight_norm", "update_ratio", "forward_std"):
        np.testing.assert_allclose(
            trace.layer_series[name], expected.layer_series[name], rtol=1e-4
        )
    gains = (t.layer_series["backward_gain"] for t in (trace, expected))
    assert np.abs(np.ma.log10(next(gains) / next(gains))).max() < 1
    assert "before compilation" in trace.context.hides[0]


@pytest.mark.parametrize("when", ["in place", "a part"])
def test_compiled_regions_without_hooks_leave_gaps(when):
    model = mlp()
    if when == "in place":
        model.compile(backend="aot_eager")
    else:
        model[0] = compiled(model[0])

    losses, recorder = run(model)

    trace = recorder.trace()
    assert losses == run(mlp(), watch=False)[0]
    assert trace.layers[0].path == "0"
    assert trace.layer_series["grad_norm"][:, 0].count() == 25
    seen = trace.layer_series.get("forward_std", np.ma.masked_all((25, 9)))
    assert seen[:, 0].count() == 0
    assert "compiled layers, e.g. 0" in trace.context.hides[0]


def test_a_model_compiled_inside_the_loop_keeps_no_hooks():
    model = mlp()
    optimizer = sgd(model)
    with Recorder(model, optimizer, sample_every=5, budget=None) as recorder:
        faster = compiled(model)
        losses = train(faster, optimizer, num_steps=25, recorder=recorder)
    trace = recorder.trace()

    assert losses == run(compiled(mlp()), watch=False)[0]
    assert trace.layer_series["grad_norm"][:, 0].count() == 25
    assert not any(module._forward_hooks for module in model.modules())


def test_a_model_whose_second_pass_fails_is_recorded_without_activations():
    class Once(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp()

        def forward(self, x):
            assert len(x) == 8
            return self.body(x)

    model = Once()
    wrapped = compiled(model)
    optimizer = sgd(model)
    inputs = torch.randn(40, 16)
    with Recorder(wrapped, optimizer) as recorder:
        for start in range(0, 40, 8):
            optimizer.zero_grad()
            wrapped(inputs[start : start + 8]).sum().backward()
            optimizer.step()
        assert recorder.notes == []
