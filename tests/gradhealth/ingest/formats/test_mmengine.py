import json

import pytest

from gradhealth.ingest import IngestError, read_log


def read(text):
    (trace,) = read_log(text.encode(), filename="work.log")
    assert trace.context.source_format == "mmengine"
    return trace


def lines(*rows):
    return "\n".join(map(json.dumps, rows))


def test_the_text_of_mmengine():
    trace = read(
        "07/03 13:04:10 - mmengine - INFO - Config: a = [1][2]\n"
        "07/03 13:04:17 - mmengine - INFO - Epoch(train)  [1][ 10/20]  base_lr: 2e-04 "
        "lr: 3.3333e-04  eta: 1 day, 0:13:14  time: 0.4073  data_time: 0.0335  memory: "
        "970  grad_norm: nan  loss: 6.1887  loss_cls: 5.1\n"
        "07/03 13:04:18 - mmengine - INFO - Epoch(train)  [1][20/20]  lr: 3e-04  "
        "data_time: 0.0335  grad_norm: 12.5  loss: 5.5  loss_cls: 4.1\n"
        "07/03 13:04:19 - mmengine - INFO - Epoch(val)  [1][79/79]    loss: 5.7  "
        "data_time: 0.02  time: 0.05\n"
        "07/03 13:04:20 - mmengine - INFO - Epoch(train)  [2][10/20]  lr: 3e-04  "
        "data_time: 0.0335  grad_norm: 11.5  loss: 4.5  loss_cls: 3.1\n"
    )

    assert trace.steps.tolist() == [10, 20, 30]
    assert trace.series["loss"].tolist() == [6.1887, 5.5, 4.5]
    assert trace.series["eval_loss"].tolist() == [None, 5.7, None]
    assert trace.series["lr"].tolist() == [3.3333e-4, 3e-4, 3e-4]
    assert str(trace.series["grad_norm"].tolist()) == "[nan, 12.5, 11.5]"


@pytest.mark.parametrize(
    "begin", ["Iter [{}/80000]\t", "Iter(train) [ {}/80000]  ", "Epoch [1][{}/7330]\t"]
)
def test_iterations_and_the_text_of_mmcv(begin):
    log = "2021-01-01 00:00:00,000 - mmdet - INFO - "
    pairs = "lr: 1.9e-03, eta: 4:05:09, data_time: 0.05, loss: 2.1, grad_norm: 1.5"

    trace = read("".join(f"{log}{begin.format(n)}{pairs}\n" for n in (50, 100)))

    assert trace.steps.tolist() == [50, 100]
    assert trace.series["loss"].tolist() == [2.1, 2.1]
    assert trace.series["grad_norm"].tolist() == [1.5, 1.5]


def test_lines_of_json_where_validation_counts_epochs():
    train = {"lr": 0.02, "data_time": 0.1, "loss": 2.0, "time": 0.2, "memory": 900}
    trace = read(
        lines(
            {**train, "epoch": 1, "iter": 50, "step": 50},
            {**train, "epoch": 1, "iter": 100, "step": 100},
            {"loss": 2.5, "data_time": 0.1, "time": 0.1, "step": 1},
            {**train, "epoch": 2, "iter": 150, "step": 150, "loss": float("nan")},
        )
    )

    assert trace.steps.tolist() == [50, 100, 150]
    assert str(trace.series["loss"].tolist()) == "[2.0, 2.0, nan]"
    assert trace.series["eval_loss"].tolist() == [None, 2.5, None]


def test_lines_of_mmcv_where_each_epoch_counts_its_own():
    train = {"mode": "train", "lr": 0.02, "data_time": 0.1, "loss": 2.0}
    trace = read(
        lines(
            {"env_info": "sys.platform: linux", "config": "x = 1", "seed": 0},
            {**train, "epoch": 1, "iter": 50},
            {**train, "epoch": 1, "iter": 100},
            {"mode": "val", "epoch": 1, "iter": 5000, "bbox_mAP": 0.3},
            {**train, "epoch": 2, "iter": 50},
            {**train, "epoch": 2, "iter": 100},
            {**train, "epoch": 1, "iter": 100, "loss": 1.5},
            {**train, "epoch": 2, "iter": 50, "loss": 1.4},
        )
    )

    assert trace.steps.tolist() == [50, 100, 150]
    assert trace.series["loss"].tolist() == [2.0, 1.5, 1.4]
    assert any("resumed" in note for note in trace.context.notes)


def test_iterations_that_go_on_over_epochs_are_steps():
    train = {"mode": "train", "lr": 0.02, "data_time": 0.1, "loss": 2.0}
    rows = [{**train, "epoch": n, "iter": 50 * n} for n in (1, 2, 3)]

    assert read(lines(*rows)).steps.tolist() == [50, 100, 150]


def test_lines_with_epochs_of_others_are_not_taken_for_it():
    with pytest.raises(IngestError):
        read_log(b"Epoch [1][10/20] loss: 2.0\n")
