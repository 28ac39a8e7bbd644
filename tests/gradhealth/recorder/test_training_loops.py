"""The recorder is right in every way people write a training loop."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from gradhealth.recorder import Recorder
from tests.support.trainings import batch, mlp, train

loss_of = nn.functional.cross_entropy


def sgd(model, **how):
    return torch.optim.SGD(model.parameters(), **({"lr": 0.1} | how))


def norms(trace, path, name="grad_norm"):
    """One layer's numbers, by step."""
    return trace.layer_series[name][:, [x.path for x in trace.layers].index(path)]


def grad_norm(module):
    return torch.cat([p.grad.flatten() for p in module.parameters()]).norm().item()


def test_accumulated_gradients_are_one_step_and_their_losses_one_mean():
    model = mlp()
    optimizer = sgd(model)
    expected, losses = [], []

    with Recorder(model, optimizer, budget=None) as recorder:
        for step in range(12):
            optimizer.zero_grad()
            parts = [loss_of(model(x), y) / 3 for x, y in map(batch, range(3))]
            for part in parts:
                part.backward()
                recorder.log(loss=part)
            expected.append(grad_norm(model[0]))
            losses.append(sum(part.item() for part in parts) / 3)
            optimizer.step()
            assert step < 12
    trace = recorder.trace()

    assert trace.steps.tolist() == list(range(12))
    np.testing.assert_allclose(norms(trace, "0"), expected, rtol=1e-5)
    np.testing.assert_allclose(trace.series["loss"], losses, rtol=1e-5)
    assert norms(trace, "0", "forward_std").count() == 10


def clipped_training(*, says_so):
    model = mlp()
    optimizer = sgd(model)
    before = []

    def clip(recorder):
        before.append(grad_norm(model))
        if says_so:
            recorder.before_clipping()
        nn.utils.clip_grad_norm_(model.parameters(), 0.01)

    with Recorder(model, optimizer, clip_max_norm=0.01, budget=None) as recorder:
        train(model, optimizer, num_steps=12, recorder=recorder, before=clip)
    return recorder.trace(), before


def test_norms_are_those_after_clipping_and_the_trace_says_it():
    trace, _ = clipped_training(says_so=False)

    assert trace.context.clip_measured == "post"
    assert trace.context.clip_max_norm == 0.01
    np.testing.assert_allclose(trace.series["grad_norm"], 0.01, rtol=1e-4)


def test_norms_are_those_before_clipping_where_the_loop_says_when():
    trace, before = clipped_training(says_so=True)

    assert trace.context.clip_measured == "pre"
    np.testing.assert_allclose(trace.series["grad_norm"], before, rtol=1e-5)


def amp_training(*, fused, passes_scaler=True, overflow_at=(), clips=False):
    """Scaled gradients; in some steps they overflow, and the scaler skips."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with Recorder(
        model, optimizer, scaler=scaler if passes_scaler else None, budget=None
    ) as recorder:
        for step in range(12):
            x, y = batch(step)
            optimizer.zero_grad()
            loss = loss_of(model(x), y) * (math.inf if step in overflow_at else 1.0)
            scaler.scale(loss).backward()
            if clips:
                scaler.unscale_(optimizer)
                recorder.before_clipping()
                nn.utils.clip_grad_norm_(model.parameters(), 100.0)
            scaler.step(optimizer)
            scaler.update()
    return recorder.trace()


@pytest.mark.parametrize("fused", [False, True])
def test_scaled_gradients_are_recorded_unscaled(fused):
    trace = amp_training(fused=fused)

    twin = mlp()
    optimizer, expected = sgd(twin), []
    train(
        twin,
        optimizer,
        num_steps=12,
        before=lambda _: expected.append(grad_norm(twin)),
    )
    np.testing.assert_allclose(trace.series["grad_norm"], expected, rtol=1e-4)
    assert trace.series["loss_scale"].tolist() == [1024.0] * 12
    assert trace.series.get("skipped", np.zeros(1)).sum() == 0


@pytest.mark.parametrize("clips", [False, True])
def test_steps_that_the_scaler_skips_are_counted_at_the_next(clips):
    trace = amp_training(fused=False, overflow_at=(3, 4, 8), clips=clips)

    assert len(trace.steps) == 9
    assert trace.series["skipped"].filled(0).tolist() == [0, 0, 0, 2, 0, 0, 1, 0, 0]
    assert np.isfinite(trace.series["grad_norm"]).all()
    assert np.isfinite(trace.layer_series["weight_norm"]).all()


def test_steps_that_a_fused_optimizer_skips_are_marked():
    trace = amp_training(fused=True, overflow_at=(3, 4, 8))

    skipped = trace.series["skipped"].filled(0)
    assert np.flatnonzero(skipped).tolist() == [3, 4, 8]
    assert not np.isfinite(trace.series["grad_norm"][skipped > 0]).any()
    assert np.isfinite(trace.series["grad_norm"][skipped == 0]).all()


def test_fused_optimizers_unscale_even_when_nobody_gave_the_scaler():
    given, not_given = (
        amp_training(fused=True, passes_scaler=passes) for passes in (True, False)
    )

    assert given.series["grad_norm"].tolist() == not_given.series["grad_norm"].tolist()


def test_a_tied_weight_belongs_to_the_layer_that_has_it_first():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(10, 16)
            self.head = nn.Linear(16, 10, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, x):
            return self.head(self.embedding(x))

    model = Tied()
    optimizer = sgd(model)
    with Recorder(model, optimizer) as recorder:
        loss_of(model(torch.arange(8)), torch.arange(8)).backward()
        expected = grad_norm(model)
        optimizer.step()
    trace = recorder.trace()

    assert norms(trace, "embedding").tolist() == pytest.approx([expected], rel=1e-5)
    assert norms(trace, "head").count() == 0
    assert trace.series["grad_norm"].tolist() == pytest.approx([expected], rel=1e-5)


def test_frozen_and_unused_layers_have_no_numbers():
    class Partly(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Linear(3, 3)
            self.used = mlp()

        def forward(self, x):
            return self.used(x)

    model = Partly()
    model.used[0].requires_grad_(requires_grad=False)
    optimizer = sgd(model)

    with Recorder(model, optimizer) as recorder:
        train(model, optimizer, num_steps=5, recorder=recorder)
    trace = recorder.trace()

    assert norms(trace, "used.0").count() == norms(trace, "unused").count() == 0
    assert norms(trace, "used.2").count() == 5


def test_layers_that_thaw_later_are_recorded_from_then_on():
    model = mlp()
    optimizer = torch.optim.SGD(model[2:].parameters(), lr=0.1)

    with Recorder(model, optimizer) as recorder:
        train(model, optimizer, num_steps=4, recorder=recorder)
        optimizer.add_param_group({"params": model[0].parameters()})
        train(model, optimizer, num_steps=3, recorder=recorder)
    trace = recorder.trace()

    assert norms(trace, "0").mask.tolist() == [True] * 4 + [False] * 3


def test_relus_may_work_in_place():
    in_place, apart = (
        mlp(activation=lambda on=on: nn.ReLU(inplace=on)) for on in (True, False)
    )
    traces = []
    for model in (in_place, apart):
        optimizer = sgd(model)
        with Recorder(model, optimizer) as recorder:
            train(model, optimizer, num_steps=5, recorder=recorder)
        traces.append(recorder.trace())

    for name, table in traces[0].layer_series.items():
        np.testing.assert_allclose(table, traces[1].layer_series[name], rtol=1e-5)


def test_a_residual_may_be_added_in_place():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(16, 16)

        def forward(self, x):
            y = self.linear(x)
            y += x
            return y

    torch.manual_seed(0)
    model = nn.Sequential(Block(), Block(), nn.Linear(16, 4))
    optimizer = sgd(model)
    with Recorder(model, optimizer) as recorder:
        losses = train(model, optimizer, num_steps=5, recorder=recorder)

    assert all(map(math.isfinite, losses))
    assert norms(recorder.trace(), "0.linear", "backward_gain").count() == 5


def test_closures_are_measured_after_they_made_the_gradients():
    model = mlp()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)
    x, y = batch(0)
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        calls.append(grad_norm(model))
        return loss

    with Recorder(model, optimizer) as recorder:
        optimizer.step(closure)
    trace = recorder.trace()

    assert len(calls) > 1
    assert trace.series["grad_norm"].tolist() == pytest.approx(calls[:1], rel=1e-5)


def test_two_optimizers_of_equal_pace_make_one_row():
    model = mlp()
    first, second = sgd(model[:4]), torch.optim.Adam(model[4:].parameters())
    with Recorder(model, [first, second], budget=None) as recorder:
        for step in range(12):
            x, y = batch(step)
            model.zero_grad()
            loss_of(model(x), y).backward()
            first.step()
            second.step()
    trace = recorder.trace()

    assert trace.steps.tolist() == list(range(12))
    assert norms(trace, "0").count() == norms(trace, "4").count() == 12


def test_of_two_optimizers_one_may_step_more_often():
    critic, generator = mlp(), mlp()
    model = nn.ModuleDict({"critic": critic, "generator": generator})
    often, seldom = sgd(critic), sgd(generator)
    with Recorder(model, [often, seldom], budget=None) as recorder:
        for step in range(12):
            x, y = batch(step)
            model.zero_grad()
            if step % 3 == 2:
                loss_of(critic(x) + generator(x), y).backward()
                seldom.step()
            else:
                loss_of(critic(x), y).backward()
            recorder.before_clipping(often)
            often.step()
    trace = recorder.trace()

    assert norms(trace, "critic.0").count() == 12
    assert norms(trace, "generator.0").count() == 4
    assert norms(trace, "critic.0", "forward_std").count() > 0


def test_which_optimizer_steps_next_must_be_said_when_there_are_two():
    model = mlp()
    recorder = Recorder(model, [sgd(model[:4]), sgd(model[4:])])

    with pytest.raises(ValueError, match="which steps next"):
        recorder.before_clipping()


def test_sparse_gradients_are_measured():
    torch.manual_seed(0)
    model = nn.Sequential(nn.EmbeddingBag(10, 16, sparse=True), nn.Linear(16, 4))
    optimizer = sgd(model)
    with Recorder(model, optimizer) as recorder:
        loss_of(model(torch.tensor([[1, 1, 2]])), torch.tensor([0])).backward()
        expected = model[0].weight.grad.to_dense().norm().item()
        optimizer.step()

    assert norms(recorder.trace(), "0").tolist() == pytest.approx([expected], rel=1e-5)


def test_matrices_of_one_shape_may_lie_differently_in_memory_or_be_empty():
    inner = mlp(width=128)
    inner[2].weight = nn.Parameter(inner[2].weight.detach().t())
    model = nn.Sequential(nn.Linear(16, 128), inner)
    model.register_parameter("unused", nn.Parameter(torch.zeros(0, 5)))
    optimizer = sgd(model)

    with Recorder(model, optimizer, budget=None) as recorder:
        train(model, optimizer, num_steps=5)

    trace = recorder.trace()
    assert recorder.notes == []
    assert len(trace.steps) == 5
    assert norms(trace, "1.2", "update_ratio").count() == 5


def test_half_precision_gradients_are_measured_in_float32():
    torch.manual_seed(0)
    model = mlp().to(torch.bfloat16)
    optimizer = sgd(model)
    with Recorder(model, optimizer) as recorder:
        x, y = batch(0)
        loss_of(model(x.bfloat16()), y).backward()
        expected = np.sqrt(
            sum(p.grad.double().square().sum().item() for p in model[0].parameters())
        )
        optimizer.step()

    assert norms(recorder.trace(), "0").tolist() == pytest.approx([expected], rel=1e-5)


def test_norms_too_small_for_float32_are_measured_or_left_out():
    model = mlp()
    optimizer = sgd(model)

    def shrink(_recorder):
        for parameter in model.parameters():
            parameter.grad.mul_(1e-24)

    with Recorder(model, optimizer, sample_every=20, budget=None) as recorder:
        train(model, optimizer, num_steps=15, recorder=recorder, before=shrink)
        recorder.trace()  # waits until the first numbers were looked at
        train(model, optimizer, num_steps=10, recorder=recorder, before=shrink)
    known = norms(recorder.trace(), "0")

    assert 0 < known[0] < 1e-20
    assert 0 < known[20] < 1e-20
    assert known.mask[11]


def test_a_model_may_be_copied_or_pickled_while_it_is_watched():
    model = mlp()
    optimizer = sgd(model)
    with Recorder(model, optimizer):
        twin = copy.deepcopy(model)
        stored = pickle.dumps(model)
        train(model, optimizer, num_steps=3)

    for copied in (twin, pickle.loads(stored)):
        assert copied(batch(0)[0]).shape == (8, 4)


def test_checkpointed_activations_are_seen_once():
    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp()

        def forward(self, x):
            return torch.utils.checkpoint.checkpoint(self.body, x, use_reentrant=False)

    model = Checkpointed()
    optimizer = sgd(model)
    with Recorder(model, optimizer, budget=None) as recorder:
        losses = train(model, optimizer, num_steps=12, recorder=recorder)

    plain = mlp()
    assert losses == train(plain, sgd(plain), num_steps=12)
    assert norms(recorder.trace(), "body.0", "backward_gain").count() == 10


def test_passes_without_gradients_are_not_looked_at():
    model = mlp()
    optimizer = sgd(model)
    with Recorder(model, optimizer) as recorder:
        with torch.no_grad():
            model(100 * batch(0)[0])
        train(model, optimizer, num_steps=1, recorder=recorder)
    seen = norms(recorder.trace(), "0", "forward_std")

    twin = mlp()
    expected = twin[0](batch(0)[0]).std(0, correction=0).square().mean().sqrt()
    assert seen.tolist() == pytest.approx([expected.item()], rel=1e-5)


class Plain(torch.optim.Optimizer):
    """Gradient descent, with a trap for who looks at its gradient scale."""

    def __init__(self, parameters):
        super().__init__(parameters, {})

    @property
    def grad_scale(self):
        raise RuntimeError("odd")

    @torch.no_grad()
    def step(self):
        for parameter in self.param_groups[0]["params"]:
            parameter.add_(parameter.grad, alpha=-0.1)


def test_a_failure_of_the_recorder_is_told_and_not_felt(caplog):
    model = mlp()
    optimizer = Plain(model.parameters())
    calls = []
    with Recorder(model, optimizer) as recorder:
        optimizer.register_step_pre_hook(lambda *_: calls.append("somebody else's"))
        losses = train(model, optimizer, num_steps=5, recorder=recorder)

    twin = mlp()
    assert losses == train(twin, sgd(twin), num_steps=5)
    assert "recording stopped: RuntimeError: odd" in recorder.notes
    assert caplog.text.count("RuntimeError: odd") == 1
    assert len(calls) == 5
    assert len(optimizer._optimizer_step_pre_hooks) == 1


def test_an_output_of_an_odd_kind_is_told_and_the_rest_recorded():
    class ToSparse(nn.Linear):
        def forward(self, x):
            return super().forward(x).to_sparse()

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 16), ToSparse(16, 4))
    optimizer = sgd(model)
    with Recorder(model, optimizer) as recorder:
        for step in range(3):
            x, _ = batch(step)
            optimizer.zero_grad()
            torch.sparse.sum(model(x)).backward()
            optimizer.step()

    trace = recorder.trace()
    assert recorder.notes[0].startswith("1 cannot be watched")
    assert norms(trace, "1").count() == norms(trace, "0", "forward_std").count() == 3


def test_only_single_numbers_are_logged():
    model = mlp()
    with (
        Recorder(model, sgd(model)) as recorder,
        pytest.raises(ValueError, match="loss: log one number, not 8"),
    ):
        recorder.log(loss=torch.zeros(8))
