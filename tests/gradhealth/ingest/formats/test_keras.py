import pytest

from gradhealth.ingest import read_log
from gradhealth.logs.results import judge_log


def read(text):
    (trace,) = read_log(text.encode(), filename="log.csv")
    return trace


@pytest.mark.parametrize("comma", [",", ";"])
def test_an_epoch_is_a_step(comma):
    text = (
        "epoch,accuracy,loss,val_accuracy,val_loss\n"
        "0,0.5,1.0,0.4,1.1\n1,0.6,0.9,0.5,1.0\n2,0.7,nan,0.5,NA\n"
    )

    trace = read(text.replace(",", comma))

    assert trace.context.source_format == "keras"
    assert trace.steps.tolist() == [0, 1, 2]
    assert str(trace.series["loss"].tolist()) == "[1.0, 0.9, nan]"
    assert trace.series["eval_loss"].tolist() == [1.1, 1.0, None]


def test_without_validation_its_columns_are_empty():
    trace = read("epoch,loss,mae,val_loss,val_mae\n0,2,1,NA,NA\n1,1.5,1,NA,NA\n")

    assert trace.context.source_format == "keras"
    assert "eval_loss" not in trace.series


def test_what_it_hides_is_told_with_the_verdict():
    rows = "".join(f"{n},{2 / (n + 1)},{2 / (n + 1)}\n" for n in range(40))

    judged = judge_log(read("epoch,loss,val_loss\n" + rows))

    assert any("gradients: nothing is known" in note for note in judged.notes)


@pytest.mark.parametrize(
    "header", ["epoch,loss", "epoch,val_loss,loss", "epoch,step,loss,val_loss"]
)
def test_other_tables_are_not_taken_for_it(header):
    row = "1," * header.count(",") + "1\n"

    assert read(f"{header}\n{row}").context.source_format == "csv"
