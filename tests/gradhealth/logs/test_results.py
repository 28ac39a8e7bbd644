"""The answer about a log, from a trace to a result."""

import numpy as np

from gradhealth.logs.results import judge_log
from tests.support.logs import a_log, by_depth, falling

CHANCE = np.random.default_rng(0)


def test_a_run_that_learns_is_healthy():
    result = judge_log(a_log())

    assert (result.verdict, result.primary, result.findings) == ("healthy", None, [])


def test_too_few_points_say_what_would_be_needed():
    result = judge_log(a_log(loss=[2.3, 2.2], grad_norm=[1.0, 1.0]))

    assert result.verdict == "insufficient_data"
    assert "10 losses" in result.summary


def test_nothing_logged_is_insufficient_data():
    assert judge_log(a_log(loss=None, grad_norm=None)).verdict == "insufficient_data"


def test_curves_and_layers_are_those_of_the_log():
    norms = by_depth(CHANCE, 0.9)
    result = judge_log(a_log(layer_norms=norms))

    assert result.curves["loss"].steps[-1] == 399
    assert result.layers[0].grad_norm.start.mean == norms[0, 0]
    assert result.layers[0].grad_norm.end.mean == norms[-1, 0]
    assert result.layer_curves["grad_norm"].layers[0] == "layers.0"


def test_a_long_run_is_judged_as_a_short_one():
    short = judge_log(a_log(loss=falling(CHANCE, num_steps=500), grad_norm=None))
    long = judge_log(a_log(loss=falling(CHANCE, num_steps=50_000), grad_norm=None))

    assert short.verdict == long.verdict == "healthy"
    assert len(long.curves["loss"].steps) <= 512
