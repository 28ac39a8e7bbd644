import pytest

from gradhealth.ingest import read_log

SPARSE = "epoch,lr-SGD,step,train_loss_epoch,train_loss_step,val_loss\n"


def read(text):
    (trace,) = read_log(text.encode(), filename="metrics.csv")
    assert trace.context.source_format == "lightning"
    return trace


def test_rows_of_each_call_are_put_together_by_step():
    trace = read(
        SPARSE + "0,,49,,2.0,\n,0.1,49,,,\n0,,99,,1.5,\n0,,99,,,1.7\n0,,99,1.8,,\n"
    )

    assert trace.steps.tolist() == [49, 99]
    assert trace.series["loss"].tolist() == [2.0, 1.5]
    assert trace.series["eval_loss"].tolist() == [None, 1.7]
    assert trace.series["lr"].tolist() == [0.1, None]
    assert trace.context.clip_measured == "pre"


@pytest.mark.parametrize(
    "pattern",
    ["grad_2.0_norm/{}", "grad_2.0_norm_{}", "grad_2_norm_{}", "grad_2.0_norm/{}_step"],
)
def test_norms_of_layers_by_any_of_their_names(pattern):
    names = [f"layers.{n}.weight" for n in (0, 10, 2)]
    columns = ",".join(map(pattern.format, names))
    total = pattern.format("total").replace("/", "_")

    trace = read(
        f"epoch,{columns},{total},step,val_loss\n"
        "0,1.0,3.0,2.0,3.7,0,\n0,,,,,0,1.9\n0,1.0,3.0,nan,inf,1,\n"
    )

    assert [x.path for x in trace.layers] == [f"layers.{n}.weight" for n in (0, 2, 10)]
    norms = trace.layer_series["grad_norm"].tolist()
    assert str(norms) == "[[1.0, 2.0, 3.0], [1.0, nan, 3.0]]"
    assert str(trace.series["grad_norm"].tolist()) == "[3.7, inf]"
    assert trace.context.layer_order == "name"


def test_of_step_and_epoch_the_step_counts():
    trace = read(
        "epoch,grad_2.0_norm/a.weight_epoch,grad_2.0_norm/a.weight_step,step\n"
        "0,,1.0,0\n0,,2.0,1\n0,1.5,,1\n"
    )

    assert [layer.path for layer in trace.layers] == ["a.weight"]
    assert trace.layer_series["grad_norm"].tolist() == [[1.0], [2.0]]
    assert trace.context.layer_order == "unknown"


def test_other_norms_than_the_second_are_no_lengths():
    trace = read(
        "epoch,grad_inf_norm/a.weight,step,train_loss_step\n0,1,0,2\n0,1,1,2\n"
    )

    assert trace.layers is None


def test_a_full_table_is_known_by_its_name():
    assert read("train_loss,step,epoch\n2.0,49,0\n").series["loss"].tolist() == [2.0]


def test_a_full_table_of_steps_and_epochs_may_be_anybodys():
    (trace,) = read_log(b"step,epoch,loss\n0,0,1\n1,0,1\n")

    assert trace.context.source_format == "csv"
