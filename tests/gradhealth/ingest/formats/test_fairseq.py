import json

from gradhealth.ingest import read_log

HEAD = "2026-11-11 14:05:27 | INFO |"


def read(text):
    (trace,) = read_log(text.encode(), filename="train.log")
    assert trace.context.source_format == "fairseq"
    return trace


def entry(update, **numbers):
    texts = {name: str(number) for name, number in numbers.items()}
    row = {"epoch": 1, "update": update / 1891, "num_updates": str(update), **texts}
    return f"{HEAD} train_inner | {json.dumps(row)}\n"


def test_json_behind_the_name_of_the_logger():
    trace = read(
        f"{HEAD} fairseq_cli.train | Model(\n"
        + "  (0): Linear(in_features=8, out_features=8)\n" * 300
        + entry(100, loss=15.878, gnorm=16.981, lr=2.8e-07, clip=100, wps=0)
        + f'{HEAD} train_inner | {{"epoch": 1, "lo\n'
        + entry(200, loss=15.5, gnorm="nan", lr=3e-07, clip=25, wps=7)
        + f'{HEAD} valid | {{"epoch": 1, "valid_loss": "14.5", '
        '"valid_num_updates": "200"}\n'
        f'{HEAD} train | {{"epoch": 1, "train_loss": "9.9", '
        '"train_num_updates": "200"}\n'
    )

    assert trace.steps.tolist() == [100, 200]
    assert trace.series["loss"].tolist() == [15.878, 15.5]
    assert str(trace.series["grad_norm"].tolist()) == "[16.981, nan]"
    assert trace.series["clipped"].tolist() == [1.0, 0.25]
    assert trace.series["eval_loss"].tolist() == [None, 14.5]
    assert trace.context.clip_measured == "pre"


def test_the_simple_form_of_today_and_before():
    trace = read(
        "| epoch 001:    450 / 1891 loss=11.521, nll_loss=10.881, wps=52922, "
        "num_updates=445, lr=8.9e-05, gnorm=1.543, clip=0%, oom=0, loss_scale=2.000\n"
        f"{HEAD} train_inner | epoch 001:    500 / 1891 loss=11.25, wps=5, "
        "num_updates=495, lr=9.9e-05, gnorm=1.5, clip=50\n"
        "| epoch 001 | valid on 'valid' subset | valid_loss 8.125 | num_updates 495\n"
    )

    assert trace.steps.tolist() == [445, 495]
    assert trace.series["loss"].tolist() == [11.521, 11.25]
    assert trace.series["clipped"].tolist() == [0.0, 0.5]
    assert trace.series["eval_loss"].tolist() == [None, 8.125]


def test_the_oldest_form_has_no_updates_to_count():
    trace = read(
        "| epoch 010  2000 / 8223 loss=1.27 (1.50), wps=962, clip=100%, gnorm=2.1427\n"
        "| epoch 010  3000 / 8223 loss=1.28 (1.49), wps=962, clip=100%, gnorm=2.1507\n"
    )

    assert trace.series["loss"].tolist() == [1.27, 1.28]
    assert trace.series["grad_norm"].tolist() == [2.1427, 2.1507]
