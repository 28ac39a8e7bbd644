import pytest

from gradhealth.ingest import IngestError, read_log

SETUP = "  adam_beta1 ...................................... 0.9\n" * 4_000
LINE = (
    " iteration {:8d}/  500000 | consumed samples: 256 | elapsed time per iteration "
    "(ms): 1811.8 | learning rate: 4.0E-07 | global batch size:   128 |{} loss scale: "
    "{} | grad norm: {} | number of skipped iterations: {:3d} | number of nan "
    "iterations:   0 |\n"
)


def read(text):
    (trace,) = read_log(text.encode(), filename="train.log")
    assert trace.context.source_format == "megatron"
    return trace


def test_iterations_among_other_output():
    trace = read(
        SETUP
        + LINE.format(10, "", 65536.0, "inf", 10)
        + "time (ms) | forward-compute: 193.77 | optimizer: 63.01\n"
        + "[2024-10-16 04:23:02]"
        + LINE.format(20, " lm loss: 1.17E+01 |", 32768.0, 0.493, 0)
        + "validation loss at iteration 20 | lm loss value: 1.2E+01 | lm loss PPL: 9|\n"
    )

    assert trace.steps.tolist() == [10, 20]
    assert trace.series["loss"].tolist() == [None, 11.7]
    assert trace.series["loss_scale"].tolist() == [65536, 32768]
    assert trace.series["skipped"].tolist() == [10, 0]
    assert str(trace.series["grad_norm"].tolist()) == "[inf, 0.493]"
    assert trace.series["lr"].tolist() == [4e-7] * 2
    assert trace.series["eval_loss"].tolist() == [None, 12.0]
    assert trace.context.clip_measured == "pre"


def test_the_order_of_gpt_neox():
    trace = read(
        " samples/sec: 51.234 | iteration       10/      50 | elapsed time per "
        "iteration (ms): 19987.6 | learning rate: 1.234E-04 | approx flops per GPU: "
        "150.3TFLOPS | lm_loss: 7.123456E+00 | number of skipped iterations:   0 |\n"
        " validation results at iteration 10 | lm_loss value: 6.9E+00 | lm_loss_ppl "
        "value: 1.004E+03 |\n"
    )

    assert trace.series["loss"].tolist() == [7.123456]
    assert trace.series["eval_loss"].tolist() == [6.9]


def test_a_run_that_was_resumed_replaces_what_it_repeats():
    lines = [
        LINE.format(n, f" lm loss: {n} |", 1.0, 1.0, 0) for n in (1, 2, 3, 2, 3, 4)
    ]

    trace = read("".join(lines))

    assert trace.steps.tolist() == [1, 2, 3, 4]
    assert any("resumed" in note for note in trace.context.notes)


def test_a_number_that_is_none_is_pointed_at():
    with pytest.raises(IngestError) as caught:
        read(LINE.format(1, " lm loss: oops |", 1.0, 1.0, 0))

    assert "line 1: 'lm loss' is 'oops'" in str(caught.value)


@pytest.mark.parametrize(
    "line", ["iteration 3/ 10 | done |\n", "iteration 3/10 loss: 2.0\n"]
)
def test_other_iterations_are_not_taken_for_it(line):
    with pytest.raises(IngestError):
        read_log(line.encode())
