import gzip
import json

import numpy as np
import pytest

from gradhealth.batches.batch import Batch
from gradhealth.ingest import IngestError, IngestLimits, parse_mapping, read_log
from tests.support.logs import a_log, by_depth

HEADER = {
    "trace_version": 1,
    "run": "mine",
    "layers": [{"path": "a", "type": "Linear"}, {"path": "b", "type": "ReLU"}],
    "context": {"source_format": "recorder", "clip_measured": "post"},
}


def batch(sequence, first, num_steps=10):
    norms = np.ma.masked_array(np.full((num_steps, 2), 1.0))
    norms[0, 0] = np.ma.masked
    steps = np.arange(first, first + num_steps)
    loss = np.ma.masked_array(1.0 / (1 + steps))
    return Batch(sequence, steps, {"loss": loss}, {"grad_norm": norms}).to_json()


def packed_by_line(content):
    return b"".join(gzip.compress(line + b"\n") for line in content.splitlines())


def recording(*batches):
    return b"\n".join([json.dumps(HEADER).encode(), *batches, b""])


def test_a_trace_comes_back_as_it_was_written():
    trace = a_log(layer_norms=by_depth(np.random.default_rng(0), 0.9))

    (read,) = read_log(json.dumps(trace.to_json()).encode())

    assert read.to_json() == trace.to_json()


def test_a_list_of_traces_is_several_runs():
    documents = [a_log(num_steps=20).to_json(), a_log(num_steps=30).to_json()]

    traces = read_log(json.dumps(documents).encode())

    assert [len(trace.steps) for trace in traces] == [20, 30]


@pytest.mark.parametrize("pack", [bytes, packed_by_line])
def test_a_recording_is_read_line_by_line(pack):
    (trace,) = read_log(pack(recording(batch(0, 0), batch(1, 10))))

    assert trace.run == "mine"
    assert trace.steps.tolist() == list(range(20))
    assert trace.layer_series["grad_norm"][0].tolist() == [None, 1.0]
    assert trace.context.clip_measured == "post"


def test_a_recording_that_was_killed_ends_within_a_line():
    (trace,) = read_log(recording(batch(0, 0), batch(1, 10)[:-30]))

    assert len(trace.steps) == 10
    assert any("cut short" in note for note in trace.context.notes)


def test_a_long_recording_is_thinned():
    (trace,) = read_log(
        recording(*[batch(n, 10 * n) for n in range(100)]),
        limits=IngestLimits(cells=1000),
    )

    assert len(trace.steps) < 500
    assert any("not every step" in note for note in trace.context.notes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (recording(batch(0, 0), batch(1, 5)), "line 3: its steps are not after"),
        (
            recording(b'{"steps": [0], "series": {"loss": ["x"]}}'),
            "line 2: /series/loss/0",
        ),
        (b'{"trace_version": 7, "steps": []}', "/trace_version"),
        (b'[{"trace_version": 1, "steps": [1, 0]}]', "/0/steps/1"),
    ],
)
def test_mistakes_are_pointed_at(content, words):
    with pytest.raises(IngestError) as caught:
        read_log(content)

    assert words in str(caught.value)


def test_a_mapping_has_no_meaning_for_a_trace():
    with pytest.raises(IngestError, match="leave the mapping out"):
        read_log(recording(batch(0, 0)), mapping=parse_mapping("loss:loss"))
