"""A run that goes to a service, over real sockets."""

import json
import logging
import time

import pytest
import torch

from gradhealth.recorder import Recorder
from gradhealth.recorder.sinks.spool import Spool, abandoned
from tests.support.run_server import RunServer
from tests.support.trainings import mlp, train


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "spool"


def record(to, spool, *, num_steps=120, during=None):
    """A recorded training; `during` is called in the middle."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recorder(model, optimizer, to=to, spool=spool, run="mine") as recorder:
        losses = train(model, optimizer, num_steps=num_steps // 2, recorder=recorder)
        if during is not None:
            recorder.trace()  # everything so far is out of the training's hands
            during()
        losses += train(model, optimizer, num_steps=num_steps // 2, recorder=recorder)
    return losses, recorder


def files(spool):
    return [path for path in spool.rglob("*") if path.is_file()]


def eventually(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_service_gets_the_run_and_all_its_batches(spool, monkeypatch):
    monkeypatch.setenv("GRADHEALTH_API_KEY", "secret")
    with RunServer() as server:
        _, recorder = record(server.url, spool)

        announced = server.runs["run-0"]
        assert announced["name"] == "mine"
        assert announced["layers"][0] == {"path": "0", "type": "Linear"}
        assert announced["config"]["source_format"] == "recorder"
        assert server.steps() == list(range(120))
        assert set(server.keys) == {"Bearer secret"}
        first = server.batches["run-0"][0]
        assert first.layer_series["forward_std"].count() > 0
    assert not [note for note in recorder.notes if "batch" in note]
    assert files(spool) == []


def test_a_service_that_is_away_changes_nothing_for_the_training(spool, caplog):
    losses, recorder = record("http://127.0.0.1:9", spool)

    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    bare = train(model, optimizer, num_steps=60)
    bare += train(model, optimizer, num_steps=60)
    assert losses == bare
    note = recorder.notes[-1]
    assert "batches wait in" in note
    assert str(spool) in note
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1


def test_what_one_recorder_could_not_send_the_next_one_does(spool):
    with RunServer() as server:
        port, url = server.port, server.url
    record(url, spool)
    assert files(spool)

    with RunServer(port=port) as server:
        record(url, spool)
        eventually(lambda: files(spool) == [])

        assert len(server.runs) == 2
        assert server.steps("run-0") == server.steps("run-1") == list(range(120))


def test_a_service_that_comes_back_gets_what_waited(spool):
    failing = [True]

    def answer(_path, _count):
        return 503 if failing[0] else 200

    with RunServer(answer=answer) as server:
        record(server.url, spool, during=lambda: failing.clear() or failing.append(0))

        assert server.count > len(server.batches["run-0"]) + 1
        assert server.steps() == list(range(120))


def test_a_repeat_after_a_lost_answer_is_the_same_batch(spool):
    seen = []

    class Forgetful(RunServer):
        def take(self, path, headers, body):
            status, document = super().take(path, headers, body)
            is_new = path not in seen
            seen.append(path)
            return (status, document) if not is_new else (502, {})

    with Forgetful() as server:
        record(server.url, spool)

        assert list(server.runs) == ["run-0"]
        assert server.steps() == list(range(120))


def test_a_refused_batch_is_told_and_the_others_are_sent(spool):
    def answer(path, count):
        return 422 if path.endswith("batches") and count == 1 else 200

    with RunServer(answer=answer) as server:
        _, recorder = record(server.url, spool)

        assert server.steps() == list(range(10, 120))
    assert any("1 batches were refused" in note for note in recorder.notes)
    assert files(spool) == []


def test_a_refused_run_is_told_and_does_not_wait_for_ever(spool):
    def answer(path, _count):
        return 200 if path.endswith("batches") else 422

    with RunServer(answer=answer) as server:
        _, recorder = record(server.url, spool)

    assert any("batches were refused" in note for note in recorder.notes)
    assert files(spool) == []


class OfFewLayers(RunServer):
    """Takes no run of more than two layers."""

    def take(self, path, headers, body):
        if path == "/v1/runs" and len(json.loads(body)["layers"]) > 2:
            mistake = {"pointer": "/layers", "message": "more than 2 layers"}
            told = {"type": "invalid_document", "title": "Invalid", "detail": "invalid"}
            return 422, {**told, "status": 422, "errors": [mistake]}
        return super().take(path, headers, body)


def test_a_run_of_too_many_layers_is_sent_without_them(spool, caplog):
    with OfFewLayers() as server:
        _, recorder = record(server.url, spool)

        assert server.runs["run-0"]["layers"] == []
        assert server.steps() == list(range(120))
        batches = server.batches["run-0"]
        assert all(batch.layer_series == {} for batch in batches.values())
        assert batches[0].series["grad_norm"].count() == 10
        assert batches[0].series["loss"].count() == 10
    note = next(note for note in recorder.notes if "without its layers" in note)
    assert "more than 2 layers" in note
    assert note in caplog.messages
    assert not any("refused" in note for note in recorder.notes)
    assert len(recorder.trace().layers) > 2
    assert files(spool) == []


def test_a_run_of_too_many_layers_that_waited_is_sent_without_them(spool):
    with RunServer() as server:
        port, url = server.port, server.url
    record(url, spool)

    with OfFewLayers(port=port) as server:
        record(url, spool)
        eventually(lambda: files(spool) == [])

        assert server.steps("run-0") == server.steps("run-1") == list(range(120))


def test_a_name_that_is_too_long_is_shortened_and_costs_no_batch(spool):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    names = ["a" * 400 + end for end in "xy"]
    with RunServer() as server:
        with Recorder(model, optimizer, to=server.url, spool=spool) as recorder:
            recorder.log(**{names[0]: 1.0, names[1]: 2.0})
            train(model, optimizer, num_steps=20, recorder=recorder)

        assert server.steps() == list(range(20))
        first = server.batches["run-0"][0].series
        sent = {name: first[name][0] for name in first if name.startswith("a" * 100)}
        assert sorted(sent.values()) == [1.0, 2.0]
        assert {len(name) for name in sent} == {200}
    assert sum("401 characters" in note for note in recorder.notes) == 2


@pytest.mark.parametrize("kept", [b"", b'{"name"', b'{"name": NaN}'])
def test_a_run_that_nobody_can_announce_does_not_stop_those_after_it(spool, kept):
    with RunServer() as server:
        left = Spool.create(spool, server.url)
        left.keep("run.json", kept)
        left.put(0, b"batch")
        left.close()
        record(server.url, spool, num_steps=4)
        record(server.url, spool)

        assert server.steps("run-1") == list(range(120))
        eventually(lambda: files(spool) == [])


def test_a_wrong_key_is_told_and_nothing_lost(spool):
    with RunServer(answer=lambda _path, _count: 401) as server:
        _, recorder = record(server.url, spool)

    assert "refused (401)" in recorder.notes[-1]
    assert [path for path in files(spool) if path.suffix == ".batch"]


def test_a_slow_service_does_not_slow_the_training(spool):
    with RunServer(seconds=0.3) as server:
        began = time.thread_time()
        record(server.url, spool)
        assert time.thread_time() - began < 5

        assert server.steps() == list(range(120))


def test_a_full_spool_makes_room_for_the_latest(tmp_path):
    spool = Spool.create(tmp_path, "http://somewhere", max_bytes=250)

    for sequence in range(4):
        spool.put(sequence, bytes(100))

    assert spool.num_dropped == 2
    assert spool.num_waiting == 2
    assert spool.first()[0].stem == "000000002"
    spool.close()


def test_nobody_takes_along_what_a_living_process_works_on(tmp_path):
    spool = Spool.create(tmp_path, "http://somewhere")
    spool.put(0, b"batch")

    assert list(abandoned(tmp_path, "http://somewhere")) == []
    assert list(abandoned(tmp_path, "http://elsewhere")) == []

    spool.close()
    (left,) = abandoned(tmp_path, "http://somewhere")
    assert left.first()[1] == b"batch"
    left.close()
