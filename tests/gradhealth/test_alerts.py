"""What is told between two judgements of a run."""

import pytest

from gradhealth.alerts import MIN_QUIET_ROWS, changes_since
from gradhealth.schemas.finding import Cause, Finding
from gradhealth.schemas.run import OpenProblem


def found(problem="divergence", severity="critical"):
    cause = Cause(kind="unknown", text="")
    return Finding(
        problem=problem,
        severity=severity,
        confidence=1,
        cause=cause,
        explanation="",
    )


def is_open(problem="divergence", severity="critical", absent_since=None):
    return OpenProblem(problem=problem, severity=severity, absent_since=absent_since)


def test_nothing_found_is_no_news():
    changes = changes_since([], [], 100)

    assert (changes.raised, changes.cleared, changes.open) == ([], [], [])


def test_what_is_latent_is_no_news():
    assert changes_since([], [found(severity="info")], 100).raised == []


def test_a_new_problem_is_raised():
    changes = changes_since([], [found()], 100)

    assert changes.raised == [found()]
    assert changes.open == [is_open()]


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_one_that_is_known_is_not_raised_again(severity):
    changes = changes_since([is_open()], [found(severity=severity)], 100)

    assert changes.raised == []
    assert changes.open == [is_open()]


def test_one_that_gets_worse_is_told_once():
    changes = changes_since([is_open(severity="warning")], [found()], 100)

    assert changes.raised == [found()]
    assert changes.open == [is_open()]


def test_one_that_is_away_is_not_cleared_at_once():
    changes = changes_since([is_open()], [], 100)

    assert changes.cleared == []
    assert changes.open == [is_open(absent_since=100)]


def test_one_that_comes_back_was_never_away():
    away = is_open(absent_since=100)

    changes = changes_since([away], [found()], 500)

    assert (changes.raised, changes.cleared) == ([], [])
    assert changes.open == [is_open()]


@pytest.mark.parametrize(
    ("since", "rows", "is_cleared"),
    [
        (20, 20 + MIN_QUIET_ROWS - 1, False),
        (20, 20 + MIN_QUIET_ROWS, True),
        (960, 1000, False),
        (950, 1000, True),
    ],
)
def test_one_that_stays_away_long_enough_for_the_run_is_cleared(
    since, rows, is_cleared
):
    away = is_open(absent_since=since)

    changes = changes_since([away], [], rows)

    assert changes.cleared == ([away] if is_cleared else [])
    assert changes.open == ([] if is_cleared else [away])


def test_problems_are_told_apart():
    changes = changes_since([is_open("dead_relu")], [found()], 100)

    assert [f.problem for f in changes.raised] == ["divergence"]
    assert {p.problem for p in changes.open} == {"divergence", "dead_relu"}
