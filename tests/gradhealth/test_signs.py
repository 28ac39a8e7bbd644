from dataclasses import replace

import numpy as np
import pytest

from gradhealth.detectors.base import Case
from gradhealth.detectors.temporal_exploding import TemporalExploding
from gradhealth.schemas.trace import NonFinite
from gradhealth.signs import signs_of
from gradhealth.statistics import Statistics
from tests.support.traces import empty_trace, traces


def signs(**how):
    return {sign.name: sign for sign in signs_of(Statistics(tuple(traces(**how))))}


def test_a_healthy_run_says_only_that_its_layers_change_alike():
    found = signs()

    assert found.keys() == {"change_by_depth"}
    assert found["change_by_depth"].value == pytest.approx(1.0)


def test_nothing_is_said_where_nothing_was_measured():
    assert signs_of(Statistics((empty_trace(),))) == []


def test_early_layers_that_barely_change_are_told_from_late_ones_that_do():
    ratios = np.array([1e-9, 1e-9, 1e-5, 1e-5, 1e-3, 1e-3])

    sign = signs(update_ratio=ratios)["change_by_depth"]

    assert sign.value == pytest.approx(1e-6)
    assert sign.layers == ["model.0", "model.2"]
    assert "1e-06 times as much" in sign.text


def test_a_single_early_layer_is_told_in_the_singular():
    ratios = np.array([1e-5, 1e-4, 1e-3, np.nan, np.nan, np.nan])

    text = signs(update_ratio=ratios)["change_by_depth"].text

    assert text.startswith("The first of 3 layers with weights changes 0.01 times")


def test_a_gradient_that_grows_in_time_is_told_by_how_much():
    assert "grown 5.5e+11-fold" in signs(temporal=2.0)["memory_horizon"].text


def test_where_no_gradient_steps_back_in_time_there_is_no_horizon():
    silent = [
        replace(trace, lag_series={"temporal_gain": np.ma.zeros(40)})
        for trace in traces(temporal=1.0)
    ]
    statistics = Statistics(tuple(silent))

    assert "memory_horizon" not in {sign.name for sign in signs_of(statistics)}
    assert TemporalExploding().detect(Case(statistics)) is None


def test_layers_that_never_change_count_as_rounding():
    sign = signs(update_ratio=np.array([0, 0, 1e-5, 1e-5, 1e-3, 1e-3]))

    assert sign["change_by_depth"].value == pytest.approx(1e-13)


def test_weights_that_go_to_zero_are_named():
    sign = signs(weight_ratio=np.array([1, 1, 0.02, 1, 1, 1]))["shrinking_weights"]

    assert sign.value == pytest.approx(0.02)
    assert sign.layers == ["model.4"]


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        ([*np.linspace(1, 0.7, 20), *[0.7] * 80], 18),
        ([1.0] * 100, 0),
    ],
    ids=["flat after 20 steps", "flat from the start"],
)
def test_a_loss_that_stops_falling_early_is_a_plateau(losses, step):
    sign = signs(losses=losses)["early_plateau"]

    assert sign.step == pytest.approx(step, abs=3)


@pytest.mark.parametrize(
    "losses",
    [np.linspace(1, 0.4, 100), [*np.linspace(1, 0.01, 20), *[0.01] * 80]],
    ids=["still falling", "converged"],
)
def test_slow_and_finished_trainings_are_no_plateau(losses):
    assert "early_plateau" not in signs(losses=losses)


def test_memory_ends_where_one_percent_of_the_gradient_is_left():
    short, long = signs(temporal=0.5, lag=30), signs(temporal=0.99)

    assert short["memory_horizon"].value == pytest.approx(np.log(0.01) / np.log(0.5))
    assert "the task needs 30" in short["memory_horizon"].text
    assert long["memory_horizon"].value == np.inf


def test_the_one_layer_that_breaks_the_chain_is_named():
    found = traces()
    for trace in found:
        trace.layer_series["backward_gain"][0, :6] *= 1e-5

    [sign] = [s for s in signs_of(Statistics(tuple(found))) if s.name == "broken_chain"]

    assert sign.layers == ["model.6"]


def test_an_even_decay_breaks_at_no_single_layer():
    assert "broken_chain" not in signs(decades_per_layer=-3.0)


def test_dead_and_saturated_shares_are_stated():
    dead = signs(dead=np.array([0.1, 0.1, 0.5, 0.7, 0.1, 0.1]))["dead_units"]

    assert dead.value == pytest.approx(0.7)
    assert dead.layers == ["model.5", "model.7"]
    assert signs(saturated=0.6)["saturated_units"].value == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("where", "words"), [("activation", "way forward"), ("gradient", "way backward")]
)
def test_the_first_nan_is_placed_and_dated(where, words):
    place = NonFinite(step=7, where=where, layer="model.4")

    sign = signs(non_finite=place)["first_non_finite"]

    assert words in sign.text
    assert (sign.step, sign.layers, sign.value) == (7, ["model.4"], 1.0)
