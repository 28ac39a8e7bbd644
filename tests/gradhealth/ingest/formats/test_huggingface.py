import json
import math

import pytest

from gradhealth.ingest import IngestError, read_log

ENTRIES = [
    {"epoch": 0.1 * n, "step": 10 * n, "loss": 2.0, "grad_norm": 1.5}
    | {"learning_rate": 1e-4}
    for n in range(1, 6)
]
EVAL = {"epoch": 0.5, "step": 50, "eval_loss": 1.9, "eval_runtime": 3.0}
SUMMARY = {"epoch": 0.5, "step": 50, "train_loss": 0.01, "train_runtime": 60.0}


def read(text):
    (trace,) = read_log(text.encode())
    assert trace.context.source_format == "huggingface"
    return trace


@pytest.mark.parametrize(
    "wrap", [lambda x: {"global_step": 50, "log_history": x}, list]
)
def test_a_trainer_state_or_its_entries_alone(wrap):
    trace = read(json.dumps(wrap([*ENTRIES, EVAL, SUMMARY])))

    assert trace.steps.tolist() == [10, 20, 30, 40, 50]
    assert trace.series["loss"].tolist() == [2.0] * 5
    assert trace.series["eval_loss"].tolist() == [None] * 4 + [1.9]
    assert trace.series["lr"].tolist() == [1e-4] * 5


def test_bare_nan_and_infinity_are_numbers():
    state = json.dumps({"log_history": [{**ENTRIES[0], "grad_norm": float("nan")}]})

    assert str(read(state).series["grad_norm"].tolist()) == "[nan]"


def test_the_console_with_progress_bars_and_numbers_as_text():
    trace = read(
        "Loading weights\n"
        " 10%|#  | 1/10\r{'loss': 2.5, 'grad_norm': nan, 'learning_rate': 1e-05, "
        "'epoch': 0.1}\n"
        "{'loss': '2.4', 'grad_norm': '3.5', 'learning_rate': '1e-5', 'epoch': '0.2'}\n"
        "{'train_runtime': 3.0, 'train_loss': 2.45, 'epoch': 0.2}\n"
    )

    assert trace.series["loss"].tolist() == [2.5, 2.4]
    assert str(trace.series["grad_norm"].tolist()) == "[nan, 3.5]"


def test_the_console_with_numbers_as_numpy_and_torch_print_them():
    trace = read(
        "{'loss': np.float64(2.5), 'grad_norm': tensor(1.25, device='cuda:0'), "
        "'learning_rate': 1e-05, 'epoch': 0.1}\n"
        "{'loss': 2.25, 'grad_norm': tensor(nan), 'learning_rate': 1e-05, "
        "'epoch': 0.2}\n"
    )

    assert trace.series["loss"].tolist() == [2.5, 2.25]
    assert trace.series["grad_norm"][0] == 1.25
    assert math.isnan(trace.series["grad_norm"][1])


def test_the_lines_of_ms_swift_count_steps_as_shares():
    rows = [
        {"loss": 2.0, "grad_norm": 1.0, "learning_rate": 1e-4, "epoch": 0.1 * n}
        | {"global_step/max_steps": f"{5 * n}/100", "elapsed_time": "1s"}
        for n in (1, 2)
    ]

    assert read("\n".join(map(json.dumps, rows))).steps.tolist() == [5, 10]


def test_the_lines_of_llama_factory_are_means_too():
    rows = [
        {"current_steps": 5 * n, "total_steps": 10, "loss": 2.0, "lr": 1e-4}
        | {"epoch": 0.5 * n, "percentage": 50.0 * n, "elapsed_time": "0:00:01"}
        for n in (1, 2)
    ]

    trace = read("\n".join(map(json.dumps, rows)))

    assert trace.steps.tolist() == [5, 10]
    assert any("each is a mean" in what for what in trace.context.hides)


def test_the_lines_of_another_logger_are_not_taken_for_it():
    rows = [{"epoch": 0, "step": n, "loss": 1.0, "grad_norm": 1.0} for n in range(3)]

    (trace,) = read_log("\n".join(map(json.dumps, rows)).encode())

    assert trace.context.source_format == "jsonl"
    assert trace.context.hides == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"log_history": 3}, "/log_history: expected the list"),
        ({"log_history": [*ENTRIES, 1]}, "/log_history/5: expected an object"),
        (
            {"log_history": [{**ENTRIES[0], "loss": "x"}]},
            "/log_history/0: 'loss' is 'x'",
        ),
    ],
)
def test_mistakes_are_pointed_at(state, words):
    with pytest.raises(IngestError) as caught:
        read(json.dumps(state))

    assert words in str(caught.value)
