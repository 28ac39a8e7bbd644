"""What is recorded, against the slow and obvious way to compute it."""

import gzip
import json
import resource
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import zstandard
from torch import nn

from gradhealth.recorder import Recorder
from tests.support.trainings import Reader, batch, mlp, train


def unzstd(data):
    return (
        zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    )


PACKED = {"": bytes, ".gz": gzip.decompress, ".zst": unzstd}


def sgd(model, **how):
    return torch.optim.SGD(model.parameters(), **({"lr": 0.1} | how))


def record(model, optimizer, *, num_steps=30, budget=None, length=None, **how):
    """The trace of a training."""
    with Recorder(model, optimizer, budget=budget, **how) as recorder:
        train(model, optimizer, num_steps=num_steps, recorder=recorder, length=length)
    return recorder.trace()


def column(trace, path):
    return [layer.path for layer in trace.layers].index(path)


def test_gradient_norms_of_every_layer_are_those_of_autograd():
    model = mlp()
    trace = record(model, sgd(model), num_steps=3)

    twin = mlp()
    optimizer = sgd(twin)
    norms = []

    def keep(_recorder):
        norms.append([norm_of(module) for module in twin if parameters(module)])

    train(twin, optimizer, num_steps=3, before=keep)
    stations = [column(trace, str(i)) for i, m in enumerate(twin) if parameters(m)]
    recorded = trace.layer_series["grad_norm"][:, stations]
    np.testing.assert_allclose(recorded, norms, rtol=1e-5)
    totals = np.linalg.norm(norms, axis=1)
    np.testing.assert_allclose(trace.series["grad_norm"], totals, rtol=1e-5)


def parameters(module):
    return list(module.parameters())


def norm_of(module):
    return torch.cat([p.grad.flatten() for p in module.parameters()]).norm().item()


def test_the_loss_and_the_learning_rate_are_recorded_at_every_step():
    model = mlp()
    trace = record(model, optimizer := sgd(model), num_steps=12)

    again = mlp()
    losses = train(again, sgd(again), num_steps=12)
    np.testing.assert_allclose(trace.series["loss"], losses, rtol=1e-6)
    assert trace.series["lr"].tolist() == [optimizer.param_groups[0]["lr"]] * 12
    assert trace.steps.tolist() == list(range(12))


def test_everything_else_is_recorded_on_the_first_steps_and_then_now_and_then():
    model = mlp()

    trace = record(model, sgd(model), num_steps=45, sample_every=20)

    for name in ("weight_norm", "update_ratio", "forward_std", "backward_gain"):
        known = ~np.ma.getmaskarray(trace.layer_series[name]).all(axis=1)
        assert trace.steps[known].tolist() == [*range(10), 20, 40], name


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "sgd foreach": lambda p: torch.optim.SGD(
        p, lr=0.01, momentum=0.9, nesterov=True, foreach=True
    ),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adamw fused": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_a_training_is_bitwise_the_same_with_and_without_it(make):
    def run(watch):
        model = mlp(
            extra=(lambda: nn.BatchNorm1d(16), lambda: nn.Dropout(0.3)),
        )
        optimizer = make(model.parameters())
        if not watch:
            return train(model, optimizer, num_steps=60), model.state_dict()
        with Recorder(model, optimizer, sample_every=7) as recorder:
            losses = train(model, optimizer, num_steps=60, recorder=recorder)
        return losses, model.state_dict()

    losses, weights = run(watch=True)
    bare_losses, bare_weights = run(watch=False)

    assert losses == bare_losses
    for name, weight in weights.items():
        assert torch.equal(weight, bare_weights[name]), name


def test_a_recurrent_training_is_bitwise_the_same():
    def run(watch):
        model = Reader()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        if not watch:
            return train(model, optimizer, length=12), model.state_dict()
        with Recorder(model, optimizer, sample_every=3) as recorder:
            losses = train(model, optimizer, recorder=recorder, length=12)
        return losses, model.state_dict()

    (losses, weights), (bare_losses, bare_weights) = run(watch=True), run(watch=False)

    assert losses == bare_losses
    assert all(torch.equal(weights[name], bare_weights[name]) for name in weights)


@pytest.mark.parametrize(("suffix", "unpack"), PACKED.items())
def test_a_file_holds_the_run_line_by_line(tmp_path, suffix, unpack):
    model = mlp()
    path = tmp_path / f"trace.jsonl{suffix}"

    trace = record(model, sgd(model), num_steps=70, to=path, run="mine")

    header, *batches = map(json.loads, unpack(path.read_bytes()).splitlines())
    assert header["trace_version"] == 1
    assert header["run"] == "mine"
    assert [layer["path"] for layer in header["layers"]] == [
        layer.path for layer in trace.layers
    ]
    assert header["context"]["clip_measured"] == "post"
    steps = [step for batch in batches for step in batch["steps"]]
    assert steps == list(range(70))
    assert [batch["sequence"] for batch in batches] == list(range(len(batches)))
    losses = [loss for batch in batches for loss in batch["series"]["loss"]]
    np.testing.assert_allclose(losses, trace.series["loss"], rtol=1e-5)


def test_hooks_are_gone_after_an_exception():
    model = mlp()
    optimizer = sgd(model)

    with pytest.raises(RuntimeError, match="shapes"), Recorder(model, optimizer):
        model(batch(0)[0][:, :3])

    assert not any(module._forward_hooks for module in model.modules())
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks


def test_a_file_that_exists_is_left_alone(tmp_path):
    path = tmp_path / "trace.jsonl"
    path.write_text("mine")
    model = mlp()

    for _ in range(2):
        record(model, sgd(model), num_steps=3, to=path)

    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["trace.2.jsonl", "trace.3.jsonl", "trace.jsonl"]
    assert path.read_text() == "mine"


def test_a_folder_gets_a_file_a_run(tmp_path):
    model = mlp()

    for _ in range(2):
        record(model, sgd(model), num_steps=3, to=tmp_path / "runs", run="a run/1")

    names = [path.name for path in (tmp_path / "runs").iterdir()]
    assert len(names) == 2
    assert all(name.startswith("a-run-1-") for name in names)


@pytest.mark.parametrize(
    "to",
    [
        "trace.json",
        "trace.jsonl.bz2",
        "ftp://here/x.y",
        "ftp://here",
        "localhost:8000",
        "http://",
    ],
)
def test_a_destination_of_no_known_kind_is_refused_at_once(to):
    model = mlp()

    with pytest.raises(ValueError, match=r"neither an address, a folder"):
        Recorder(model, sgd(model), to=to).start()


@pytest.mark.parametrize(("suffix", "unpack"), PACKED.items())
def test_a_file_stays_readable_when_the_process_is_killed(tmp_path, suffix, unpack):
    path = tmp_path / f"trace.jsonl{suffix}"
    model = mlp()
    optimizer = sgd(model)

    with Recorder(model, optimizer, to=path) as recorder:
        train(model, optimizer, num_steps=30, recorder=recorder)
        recorder.trace()  # waits until everything so far is handed over
        copied = path.read_bytes()  # what a killed process leaves

    lines = unpack(copied).splitlines()
    assert len(lines) == 3
    assert all(map(json.loads, lines))


def test_a_full_disk_is_told_and_not_felt(tmp_path, caplog):
    model = mlp()
    optimizer = sgd(model)

    with Recorder(model, optimizer, to=tmp_path / "trace.jsonl") as recorder:
        train(model, optimizer, num_steps=3)
        recorder.trace()
        (tmp_path / "trace.jsonl").unlink()
        (tmp_path / "trace.jsonl").mkdir()  # as good as no room: nothing can be added
        train(model, optimizer, num_steps=120)

    assert "batches were not written" in " ".join(recorder.notes)
    assert "could not be written" in caplog.text
    assert len(recorder.trace().steps) == 123


@contextmanager
def no_room_in(path, num_bytes):
    """The file may grow by so many bytes only, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = path.stat().st_size + num_bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("suffix", "unpack"), PACKED.items())
def test_what_comes_after_a_full_disk_is_readable(tmp_path, suffix, unpack):
    path = tmp_path / f"trace.jsonl{suffix}"
    model = mlp()
    optimizer = sgd(model)

    with Recorder(model, optimizer, to=path, budget=None) as recorder:
        train(model, optimizer, num_steps=10)
        recorder.trace()
        with no_room_in(path, 20):
            train(model, optimizer, num_steps=10)
            recorder.trace()
        train(model, optimizer, num_steps=10)

    _, *batches = map(json.loads, unpack(path.read_bytes()).splitlines())
    steps = [step for batch in batches for step in batch["steps"]]
    assert steps == [*range(10), *range(20, 30)]
    assert "1 batches were not written" in " ".join(recorder.notes)


@pytest.mark.parametrize(
    "how",
    [
        {"budget": 0.0},
        {"norm_every": 0},
        {"sample_every": -1},
        {"clip_max_norm": 0.0},
        {"trivial_loss": float("nan")},
        {"first_step": -1},
    ],
)
def test_settings_that_make_no_sense_are_refused(how):
    model = mlp()

    with pytest.raises(ValueError, match=next(iter(how))):
        Recorder(model, sgd(model), **how)


def test_lazy_parameters_are_told():
    model = nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(4))

    with pytest.raises(ValueError, match="run it once on a batch"):
        Recorder(model, sgd(model))

    model(torch.zeros(2, 16))
    Recorder(model, sgd(model))


def test_an_optimizer_of_another_model_is_refused():
    with pytest.raises(ValueError, match="no parameter of this model"):
        Recorder(mlp(), sgd(mlp()))


def test_a_recorder_that_is_started_again_says_that_it_does_not_record(caplog):
    model = mlp()
    optimizer = sgd(model)
    recorder = Recorder(model, optimizer)

    for _ in range(2):
        with recorder:
            train(model, optimizer, num_steps=5, recorder=recorder)

    assert len(recorder.trace().steps) == 5
    assert "make a new recorder" in recorder.notes[-1]
    assert "make a new recorder" in caplog.text


def test_starting_twice_is_starting_once():
    model = mlp()
    optimizer = sgd(model)
    recorder = Recorder(model, optimizer)

    recorder.start()
    with recorder:
        train(model, optimizer, num_steps=5)

    assert recorder.trace().steps.tolist() == [0, 1, 2, 3, 4]


def test_an_optimizer_that_never_steps_is_told():
    model = mlp()

    with Recorder(model, sgd(model)) as recorder:
        train(model, sgd(model), num_steps=3)

    assert "no step of the optimizer was seen" in recorder.notes[0]
