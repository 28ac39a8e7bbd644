import io
import json
import zipfile

import pytest

from gradhealth.ingest import IngestError, parse_mapping, read_log

START = 1795698578942


def read(content, name=""):
    content = content if isinstance(content, bytes) else content.encode()
    traces = read_log(content, filename=name)
    assert {trace.context.source_format for trace in traces} == {"mlflow"}
    return traces


def lines(*values, first=0):
    return "".join(f"{START + n} {v} {first + n}\n" for n, v in enumerate(values))


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


@pytest.mark.parametrize("name", ["loss", "mlruns/0/abc/metrics/train/loss"])
def test_one_metric_is_called_by_its_file(name):
    (trace,) = read(lines(2.0, "nan", 1.5), name)

    assert trace.steps.tolist() == [0, 1, 2]
    assert str(trace.series["loss"].tolist()) == "[2.0, nan, 1.5]"


def test_old_lines_have_no_steps():
    (trace,) = read(f"{START} 2.0\n{START + 1} 1.0\n", "loss")

    assert trace.steps.tolist() == [0, 1]


def test_a_folder_of_runs_in_an_archive():
    files = {
        "mlruns/0/aa/meta.yaml": "run_id: aa\n",
        "mlruns/0/aa/params/lr": "0.1",
        "mlruns/0/aa/metrics/train/loss": lines(2.0, 1.0),
        "mlruns/0/aa/metrics/grad_norm/layers.0": lines(0.5, 0.25),
        "mlruns/0/aa/metrics/grad_norm/layers.10": lines(0.5, 0.25),
        "mlruns/0/aa/metrics/grad_norm/layers.2": lines(0.5, "inf"),
        "mlruns/0/bb/metrics/loss": lines(3.0, first=7),
    }

    first, second = read(zipped(files), "runs.zip")

    assert (first.run, second.run) == ("mlruns/0/aa", "mlruns/0/bb")
    assert first.series["loss"].tolist() == [2.0, 1.0]
    assert [x.path for x in first.layers] == ["layers.0", "layers.2", "layers.10"]
    assert first.context.layer_order == "name"
    assert "2 other files of the archive were not read" in first.context.notes
    assert second.steps.tolist() == [7]


METRICS = [
    {"key": "train_loss", "value": value, "timestamp": START + n, "step": n}
    for n, value in enumerate([2.0, "NaN", float("nan"), 1.0])
]


@pytest.mark.parametrize(
    "write",
    [
        lambda metrics: json.dumps({"metrics": metrics}),
        lambda metrics: json.dumps({"metrics": metrics}, indent=1),
        lambda metrics: json.dumps([{"metrics": [each]} for each in metrics]),
        json.dumps,
        lambda metrics: "\n".join(map(json.dumps, metrics)),
        lambda metrics: "\n".join(json.dumps({"metrics": [x]}) for x in metrics),
    ],
)
def test_answers_of_the_server(write):
    (trace,) = read(write(METRICS), "history.json")

    assert trace.steps.tolist() == [0, 1, 2, 3]
    assert str(trace.series["loss"].tolist()) == "[2.0, nan, nan, 1.0]"


def test_answers_of_several_runs_and_pages():
    of_runs = [{**each, "run_id": run} for run in "ab" for each in METRICS]

    first, second = read(json.dumps({"metrics": of_runs, "next_page_token": "x"}))

    assert (first.run, second.run) == ("a", "b")
    assert any("next page" in note for note in first.context.notes)


def test_a_step_of_0_may_be_left_out_and_steps_may_be_texts():
    first, *others = METRICS
    del first["step"]
    texts = [{**each, "step": str(each["step"])} for each in others]

    (trace,) = read(json.dumps({"metrics": [first, *texts]}))

    assert trace.steps.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"metrics": [METRICS[0], 3]}, "/metrics/1: expected a metric"),
        ({"metrics": [{**METRICS[1], "step": "x"}]}, "/metrics/0: a step that is no"),
        ({"metrics": [{**METRICS[1], "step": -1}]}, "the step -1 is below 0"),
        ({"metrics": [{**METRICS[1], "value": "x"}]}, "/metrics/0: 'train_loss' is"),
    ],
)
def test_mistakes_are_pointed_at(content, words):
    with pytest.raises(IngestError) as caught:
        read(json.dumps(content))

    assert words in str(caught.value)


def test_a_metric_of_an_unknown_name_can_be_mapped():
    mapping = parse_mapping("loss:score")

    (trace,) = read_log(lines(2.0, 1.0).encode(), filename="score", mapping=mapping)

    assert trace.series["loss"].tolist() == [2.0, 1.0]


def test_a_page_of_metrics_of_others_is_not_taken_for_it():
    content = {"metrics": [{"step": 1, "loss": 2.0}]}

    (trace,) = read_log(json.dumps(content).encode())

    assert trace.context.source_format == "json"
