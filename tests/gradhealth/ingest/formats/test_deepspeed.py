from gradhealth.ingest import read_log

RANK = "[2024-04-04 09:10:13,619] [INFO] [logging.py:96:log_dist] [Rank 0] "


def read(text):
    (trace,) = read_log(text.encode(), filename="train.log")
    return trace


def test_losses_rates_and_what_was_skipped():
    trace = read(
        f"{RANK}[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: "
        "65536, reducing to 32768\n"
        f"{RANK}step=10, skipped=1, lr=[0.0003, 0.0003], mom=[(0.9, 0.999)]\n"
        "steps: 10 loss: 7.5 iter time (s): 0.5 samples/sec: 16.0\n"
        f"{RANK}step=20, skipped=1, lr=[0.0002], mom=[(0.9, 0.999)]\n"
        "steps: 20 loss: nan iter time (s): 0.5 samples/sec: 16.0\n"
    )

    assert trace.context.source_format == "deepspeed"
    assert trace.steps.tolist() == [10, 20]
    assert str(trace.series["loss"].tolist()) == "[7.5, nan]"
    assert trace.series["lr"].tolist() == [0.0003, 0.0002]
    assert trace.series["skipped"].tolist() == [1, 0]
    assert trace.series["loss_scale"].tolist() == [65536, None]


def test_a_process_that_begins_anew_counts_anew():
    trace = read(
        f"{RANK}step=10, skipped=5, lr=[0.1], mom=[]\n"
        f"{RANK}step=20, skipped=2, lr=[0.1], mom=[]\n"
        "steps: 20 loss: 1.0 iter time (s): 0.5 samples/sec: 16.0\n"
    )

    assert trace.series["skipped"].tolist() == [5, 2]


def test_lines_of_megatron_count_more():
    trace = read(
        f"{RANK}step=10, skipped=5, lr=[0.1], mom=[]\n"
        " iteration 10/ 20 | learning rate: 0.1 | lm loss: 2.0 | loss scale: 1.0 |\n"
    )

    assert trace.context.source_format == "megatron"
    assert trace.series["loss"].tolist() == [2.0]
