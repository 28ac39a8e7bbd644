"""Steps that come back, come late, or are counted anew each epoch."""

import json

import pytest

from gradhealth.ingest import read_log


def read(rows):
    (trace,) = read_log("\n".join(map(json.dumps, rows)).encode(), format_name="jsonl")
    return trace


def losses(trace):
    return dict(zip(trace.steps.tolist(), trace.series["loss"].tolist(), strict=True))


def notes(trace):
    return " ".join(trace.context.notes)


def test_a_resumed_run_replaces_what_it_repeats():
    first = [{"step": n, "loss": 1.0} for n in range(0, 100, 10)]
    again = [{"step": n, "loss": 0.5} for n in range(55, 80, 10)]

    trace = read([*first, *again])

    assert losses(trace) == {
        **dict.fromkeys(range(0, 55, 10), 1.0),
        **dict.fromkeys((55, 65, 75), 0.5),
    }
    assert "4 entries" in notes(trace)


def test_a_run_that_is_resumed_twice_keeps_the_last():
    steps = [0, 10, 20, 30, 10, 20, 30, 40, 20, 30]

    trace = read([{"step": s, "loss": float(i)} for i, s in enumerate(steps)])

    assert losses(trace) == {0: 0.0, 10: 4.0, 20: 8.0, 30: 9.0}


def test_single_steps_that_come_late_are_put_in_place():
    steps = [0, 1, 3, 2, 4, 5]

    trace = read([{"step": s, "loss": float(s)} for s in steps])

    assert losses(trace) == {s: float(s) for s in range(6)}
    assert "out of order" in notes(trace)


def test_rows_that_are_newest_first_are_turned_round():
    rows = [{"step": n, "epoch": n // 50, "loss": float(n)} for n in range(100)]

    trace = read(rows[::-1])

    assert losses(trace) == {n: float(n) for n in range(100)}
    assert "100 entries out of order were sorted" in notes(trace)


def test_rows_in_no_order_are_sorted():
    rows = [{"step": n * 37 % 100, "loss": float(n * 37 % 100)} for n in range(100)]

    assert losses(read(rows)) == {n: float(n) for n in range(100)}


def test_a_run_that_is_resumed_within_an_epoch_is_not_counted_in_epochs():
    steps = [*range(300), *range(200, 500)]

    trace = read([{"step": n, "epoch": 0, "loss": 1.0} for n in steps])

    assert trace.steps.tolist() == [*range(500)]
    assert "100 entries" in notes(trace)


def test_rows_of_one_step_are_one():
    trace = read(
        [
            {"step": 1, "loss": 1.0},
            {"step": 1, "eval_loss": 2.0},
            {"step": 2, "loss": 1.0},
        ]
    )

    assert trace.steps.tolist() == [1, 2]
    assert trace.series["eval_loss"].tolist() == [2.0, None]


def test_a_row_without_a_step_belongs_to_the_one_before():
    trace = read(
        [{"step": 7, "loss": 1.0}, {"eval_loss": 2.0}, {"step": 9, "loss": 1.0}]
    )

    assert trace.series["eval_loss"].tolist() == [2.0, None]


def test_a_counter_of_each_epoch_gives_way_to_one_of_the_run():
    rows = [
        {"global_step": 5 * e + s, "epoch": e, "step": s, "loss": 1.0}
        for e in range(4)
        for s in range(5)
    ]

    assert read(rows).steps.tolist() == list(range(20))


def test_where_every_counter_begins_again_rows_are_counted():
    rows = [{"step": s, "loss": 1.0} for _ in range(4) for s in range(5)]

    trace = read(rows)

    assert trace.steps.tolist() == list(range(20))
    assert "begins again" in notes(trace)


@pytest.mark.parametrize("step", [0.5, -1, "NaN", 1e300, None])
def test_what_is_no_step_does_not_count_as_one(step):
    rows = [{"step": step, "loss": 1.0} for _ in range(3)]

    assert read(rows).steps.tolist() == [0, 1, 2]
