import json

import numpy as np
import pytest

from gradhealth.ingest import IngestError, read_log


def read(document):
    (trace,) = read_log(json.dumps(document).encode())
    assert trace.context.source_format == "json"
    return trace


def test_lists_by_name():
    trace = read({"losses": [3, 2, 1], "grad_norms": [1, None, "nan"], "name": "x"})

    assert trace.steps.tolist() == [0, 1, 2]
    assert trace.series["loss"].tolist() == [3, 2, 1]
    assert str(trace.series["grad_norm"].tolist()) == "[1.0, None, nan]"


def test_a_list_of_steps_is_the_axis():
    assert read({"step": [5, 10], "loss": [2, 1]}).steps.tolist() == [5, 10]


def test_shorter_lists_are_placed_evenly_and_that_is_said():
    trace = read({"losses": [1.0] * 10, "val_losses": [3.0, 2.0]})

    known = ~np.ma.getmaskarray(trace.series["eval_loss"])
    assert trace.steps[known].tolist() == [4, 9]
    assert any("placed evenly" in note for note in trace.context.notes)


def test_objects_in_objects():
    trace = read({"train": {"loss": [2, 1]}, "val": {"loss": {"0": 3, "1": 2}}})

    assert trace.series["loss"].tolist() == [2, 1]
    assert trace.series["eval_loss"].tolist() == [3, 2]


@pytest.mark.parametrize(
    "document",
    [
        [{"step": 0, "loss": 2}, {"step": 5, "loss": 1}],
        {
            "config": {"a": 1},
            "history": [{"step": 0, "loss": 2}, {"step": 5, "loss": 1}],
        },
        {"0": {"loss": 2}, "5": {"loss": 1}},
    ],
)
def test_objects_by_step(document):
    trace = read(document)

    assert trace.steps.tolist() == [0, 5]
    assert trace.series["loss"].tolist() == [2, 1]


def test_a_matrix_is_norms_by_step_and_layer_in_the_files_order():
    trace = read([[1.0, 2.0, 3.0]] * 20)

    assert trace.layer_series["grad_norm"].tolist() == [[1, 2, 3]] * 20
    assert [layer.path for layer in trace.layers] == ["layer 0", "layer 1", "layer 2"]
    assert trace.context.layer_order == "file"


def test_a_matrix_by_layer_and_step_is_turned_where_that_is_beyond_doubt():
    trace = read({"gradient_norms": [[1.0] * 200, [2.0] * 200]})

    assert trace.layer_series["grad_norm"].shape == (200, 2)
    assert any("for each layer" in note for note in trace.context.notes)


def test_the_layers_of_a_matrix_have_names_where_they_are_listed():
    trace = read({"layers": ["b", "a"], "grad_norms": [[1, 2]] * 12, "loss": [1] * 12})

    assert [layer.path for layer in trace.layers] == ["b", "a"]
    assert trace.layer_series["grad_norm"][0].tolist() == [1, 2]
    assert trace.context.layer_order == "given"


def test_norms_by_name_of_layer():
    trace = read({"grad_norm": [{"b": 1, "a": 2}] * 3, "lr": 0.1})

    assert [layer.path for layer in trace.layers] == ["b", "a"]
    assert trace.context.layer_order == "file"


def test_what_is_told_beside_the_lists_goes_into_the_context():
    trace = read(
        {"loss": [1, 2], "max_grad_norm": 1.0, "batch_size": 32, "trivial_loss": 2}
    )

    assert trace.context.clip_max_norm == 1.0
    assert trace.context.batch_size == 32
    assert trace.context.trivial_loss == 2


@pytest.mark.parametrize("document", [[1, 2, 3], {"a": {"b": 1}}, {"layers": ["x"]}])
def test_numbers_without_a_meaning_ask_for_a_mapping(document):
    with pytest.raises(IngestError, match="map="):
        read(document)
