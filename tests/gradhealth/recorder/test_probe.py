import copy

import pytest
import torch
from torch import nn

from gradhealth.recorder.probe import Probe


def chain(*layers):
    torch.manual_seed(0)
    return nn.Sequential(*layers)


def linears(model):
    return [module for module in model if isinstance(module, nn.Linear)]


def test_the_gain_of_orthogonal_layers_is_one():
    model = chain(*(nn.Linear(16, 16, bias=False) for _ in range(5)))
    for layer in model:
        nn.init.orthogonal_(layer.weight)

    reading = Probe(model, linears(model), {}).read(torch.randn(32, 16))

    assert reading.backward_gain == pytest.approx([1.0] * 5, rel=1e-5)


def test_the_gain_is_the_norm_of_the_pulled_back_cotangent():
    """Against the slow and obvious way: multiply Jacobians by hand."""
    model = chain(
        nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3)
    )
    first, last = model[0], model[2]
    x = torch.randn(20, 6)

    gain = Probe(model, [first, last], {}).read(x, seed=7).backward_gain[0]

    v = torch.randn(20, 8, generator=torch.Generator().manual_seed(7))
    slope = 1 - torch.tanh(first(x)) ** 2
    pulled = (v @ last.weight) * slope
    assert gain == pytest.approx((pulled.norm() / v.norm()).item(), rel=1e-5)


def test_gradients_that_underflow_in_float32_are_measured_in_float64():
    layers = [nn.Linear(4, 4, bias=False) for _ in range(12)]
    for layer in layers:
        layer.weight.data.copy_(1e-5 * torch.eye(4))
    model = chain(*layers)

    gains = Probe(model, layers, {}).read(torch.randn(8, 4)).backward_gain

    assert gains[0] == pytest.approx(1e-55, rel=1e-6)


def test_half_precision_weights_are_read_in_float32():
    model = chain(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    exact = Probe(model, linears(model), {}).read(torch.ones(4, 8))
    half = copy.deepcopy(model).to(torch.bfloat16)

    reading = Probe(half, linears(half), {}).read(
        torch.ones(4, 8, dtype=torch.bfloat16)
    )

    assert reading.backward_gain == pytest.approx(exact.backward_gain, rel=0.05)


def test_the_model_and_the_generators_are_left_as_they_were():
    model = chain(
        nn.Linear(8, 8),
        nn.BatchNorm1d(8),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(8, 8),
    )
    model.eval()
    before = copy.deepcopy(model.state_dict())
    x = torch.randn(16, 8)
    random_state = torch.get_rng_state()

    Probe(model, linears(model), {}).read(x)

    assert torch.equal(torch.get_rng_state(), random_state)
    assert not model.training
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert not any(module._forward_hooks for module in model)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_dropout_is_the_same_at_each_reading():
    model = chain(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 8))
    probe = Probe(model, linears(model), {})
    x = torch.randn(16, 8)

    assert probe.read(x) == probe.read(x)


def test_dead_units_are_zero_on_every_sample():
    model = chain(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 2))
    with torch.no_grad():
        model[0].bias[:7] = -1e3

    reading = Probe(model, linears(model), {"relu": (model[1], "relu")}).read(
        torch.randn(64, 4)
    )

    assert reading.dead_fraction["relu"] == pytest.approx(0.7)


def test_a_dead_channel_of_a_convolution_is_one_unit():
    model = chain(nn.Conv2d(1, 4, 3), nn.ReLU())
    with torch.no_grad():
        model[0].bias[0] = -1e3

    reading = Probe(model, [model[0]], {"relu": (model[1], "relu")}).read(
        torch.randn(64, 1, 8, 8)
    )

    assert reading.dead_fraction["relu"] == pytest.approx(0.25)


def test_a_unit_that_one_position_turns_on_is_alive_but_hardly_active():
    model = chain(nn.Conv2d(1, 2, 1), nn.ReLU())
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.fill_(-8.0)
    x = torch.zeros(4, 1, 5, 5)
    x[2, 0, 3, 3] = 9.0

    reading = Probe(model, [model[0]], {"relu": (model[1], "relu")}).read(x)

    assert reading.dead_fraction["relu"] == 0.0
    assert reading.active_fraction["relu"] == pytest.approx(1 / 100)


@pytest.mark.parametrize(
    ("activation", "kind"), [(nn.Tanh(), "tanh"), (nn.Sigmoid(), "sigmoid")]
)
def test_saturation_is_the_share_on_the_flat_parts(activation, kind):
    model = chain(nn.Linear(4, 10), activation)
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias[:] = torch.tensor([100.0] * 3 + [-100.0] * 2 + [0.0] * 5)

    reading = Probe(model, [model[0]], {"a": (model[1], kind)}).read(torch.randn(8, 4))

    assert reading.saturated_fraction["a"] == pytest.approx(0.5)


def test_the_forward_std_is_over_samples_and_sees_a_collapse():
    model = chain(nn.Linear(4, 10))
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(5.0)

    reading = Probe(model, [model[0]], {}).read(torch.randn(8, 4))

    assert reading.forward_std == pytest.approx([0.0], abs=1e-6)


class LastStep(nn.Module):
    def __init__(self, recurrent):
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x):
        return self.recurrent(x)[0][:, -1]


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_temporal_gains_equal_a_loop_over_time(kind):
    """The fused cell's output has no gradient of its own; the inputs do."""
    torch.manual_seed(0)
    model = LastStep(kind(3, 8, batch_first=True)).double()
    x = torch.randn(5, 12, 3, dtype=torch.float64)

    gains = Probe(model, [model], {}, model.recurrent).read(x, seed=1).temporal_gain

    steps = [x[:, t : t + 1].clone().requires_grad_() for t in range(12)]
    state = None
    for step in steps:
        output, state = model.recurrent(step, state)
    v = torch.randn(5, 8, generator=torch.Generator().manual_seed(1)).double()
    output[:, -1].backward(v)
    norms = [step.grad.norm().item() for step in reversed(steps)]
    assert gains == pytest.approx([norm / norms[0] for norm in norms], rel=1e-9)


def test_a_sequence_gets_its_cotangent_at_the_last_step_alone():
    """A causal mean: the gradient of step t counts what comes after it."""
    model = chain(nn.Linear(3, 3), nn.Linear(3, 3))

    reading = Probe(model, linears(model), {}).read(torch.randn(4, 7, 3))

    v = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(0))[:, -1]
    expected = (v @ model[1].weight).norm() / v.norm()
    assert reading.backward_gain[0] == pytest.approx(expected.item(), rel=1e-5)


def test_a_station_off_the_path_has_no_gain():
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.head = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            self.head(x)
            return self.used(x)

    model = Unused()
    reading = Probe(model, [model.head, model.used], {}).read(torch.randn(4, 4))

    assert reading.backward_gain[0] != reading.backward_gain[0]
    assert reading.backward_gain[1] == 1.0
