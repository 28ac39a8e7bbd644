import json

import pytest

from gradhealth.ingest import read_log
from gradhealth.logs.results import judge_log

HISTOGRAM = {"_type": "histogram", "values": [1, 2, 1], "bins": [-1.5, -0.5, 0.5, 1.5]}


def read(content, name=""):
    traces = read_log(content.encode(), filename=name)
    assert {trace.context.source_format for trace in traces} == {"wandb"}
    return traces


def rows(num_steps=3, **more):
    return [
        {"_step": 10 * n, "_runtime": 1.5 * n, "_timestamp": 1e9 + n, "train/loss": 2.0}
        | more
        for n in range(num_steps)
    ]


@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        lambda rows: "\n".join(map(json.dumps, rows)),
        lambda rows: json.dumps({k: [row[k] for row in rows] for k in rows[0]}),
        lambda rows: json.dumps(
            {k: {str(n): row[k] for n, row in enumerate(rows)} for k in rows[0]}
        ),
    ],
    ids=["list", "lines", "columns", "pandas"],
)
def test_a_history_in_every_shape_of_json(write):
    (trace,) = read(write(rows()), "run-1")

    assert trace.run == "run-1"
    assert trace.steps.tolist() == [0, 10, 20]
    assert trace.series["loss"].tolist() == [2.0] * 3
    assert {*trace.series} == {"loss"}


def test_a_sparse_table_with_several_runs():
    content = (
        "_runtime,train/loss,val/loss,_step,run_id\n"
        "1,2.0,,0,a\n2,,1.9,1,a\n1,3.0,,0,b\n2,2.9,,1,b\n"
    )

    first, second = read(content)

    assert (first.run, second.run) == ("a", "b")
    assert first.series["loss"].tolist() == [2.0, None]
    assert first.series["eval_loss"].tolist() == [None, 1.9]
    assert second.series["loss"].tolist() == [3.0, 2.9]


def test_histograms_become_norms_that_are_marked_approximate():
    names = [f"gradients/layers.{n}.weight" for n in (10, 2, 1)]
    history = rows(**dict.fromkeys(names, HISTOGRAM))

    (trace,) = read(json.dumps(history))

    paths = [layer.path for layer in trace.layers]
    assert paths == [f"layers.{n}.weight" for n in (1, 2, 10)]
    assert trace.context.layer_order == "name"
    assert trace.layer_series["grad_norm"][0].tolist() == pytest.approx([2**0.5] * 3)
    assert any("histograms" in each for each in trace.context.hides)


def test_histograms_in_cells_of_a_table():
    cell = json.dumps(HISTOGRAM).replace('"', '""')
    content = f'_step,_runtime,gradients/fc\n0,1,"{cell}"\n1,2,"{cell}"\n'

    (trace,) = read(content)

    assert trace.layer_series["grad_norm"].tolist() == [[2**0.5], [2**0.5]]


def test_histograms_of_which_only_start_and_width_are_kept():
    packed = {"_type": "histogram", "values": [1, 2, 1]} | {
        "packedBins": {"min": -1.5, "size": 1.0, "count": 3}
    }

    (trace,) = read(json.dumps(rows(**{"gradients/fc": packed})))

    assert trace.layer_series["grad_norm"][0].tolist() == [2**0.5]


@pytest.mark.parametrize(
    "broken", [{}, {"values": [1]}, {"values": ["a"], "bins": [0, 1]}]
)
def test_a_histogram_without_bins_was_not_measured(broken):
    (trace,) = read(
        json.dumps(rows(**{"gradients/fc": {"_type": "histogram", **broken}}))
    )

    assert trace.layers is None


def test_layers_without_numbers_in_their_names_have_no_order():
    history = rows(40, **{f"gradients/{name}": 1.0 for name in ("in", "mid", "out")})

    (trace,) = read(json.dumps(history))

    assert trace.context.layer_order == "unknown"
    assert any("unknown" in note for note in judge_log(trace).notes)


def test_the_export_of_a_chart_has_a_column_for_each_run():
    content = (
        '"Step","fast-1 - train/loss","fast-1 - train/loss__MIN",'
        '"slow - 2 - train/loss","slow - 2 - train/loss__MAX"\n'
        '"10","2.0","1.0","",""\n"20","1.9","1.0","5","5"\n'
    )

    first, second = read(content)

    assert (first.run, second.run) == ("fast-1", "slow - 2")
    assert first.steps.tolist() == [10, 20]
    assert first.series["loss"].tolist() == [2.0, 1.9]
    assert second.series["loss"].tolist() == [5.0]
