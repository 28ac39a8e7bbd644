"""What holds for every detector in the folder."""

import pytest

from gradhealth.detectors.base import Case, Detector, Threshold
from gradhealth.registry import subclasses_in
from gradhealth.statistics import Statistics
from tests.support.traces import empty_trace, trace, traces

DETECTORS = [kind() for kind in subclasses_in("gradhealth.detectors", Detector)]
every_detector = pytest.mark.parametrize(
    "detector", DETECTORS, ids=lambda detector: detector.problem
)


def case_of(runs):
    return Case(Statistics(tuple(runs)))


@every_detector
def test_is_silent_on_a_healthy_run(detector):
    assert detector.detect(case_of(traces())) is None


@every_detector
def test_is_silent_on_an_empty_trace(detector):
    assert detector.detect(case_of([empty_trace()])) is None


@every_detector
def test_is_silent_on_a_healthy_trace_of_one_step(detector):
    assert detector.detect(case_of([trace(num_steps=1, losses=[1.0])])) is None


@every_detector
def test_is_silent_on_the_growth_of_norm_and_skip_networks(detector):
    """sqrt(L) growth: a gain of 15 over five factors."""
    assert detector.detect(case_of(traces(decades_per_layer=0.235))) is None


@every_detector
def test_is_silent_on_a_converged_network(detector):
    runs = traces(progress=0.99999, update_ratio=1e-9)

    assert detector.detect(case_of(runs)) is None


@every_detector
def test_says_what_it_is_with_sourced_thresholds(detector):
    thresholds = [v for v in vars(detector).values() if isinstance(v, Threshold)]

    assert detector.__doc__
    assert all(threshold.source and threshold.unit for threshold in thresholds)


def test_each_problem_and_precedence_is_named_once():
    assert len({detector.problem for detector in DETECTORS}) == len(DETECTORS)
