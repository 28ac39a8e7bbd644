import math

import numpy as np
import pytest

from gradhealth.statistics import Statistics, estimate
from tests.support.traces import NUM_STATIONS, trace, traces


def test_progress_runs_from_the_trivial_loss_to_the_floor():
    statistics = Statistics((trace(losses=[1.0, 0.6, 0.6, 0.6], loss_floor=0.2),))

    assert statistics.progress == pytest.approx([0.5])


def test_the_last_loss_is_the_mean_of_the_last_five_percent():
    losses = [9.0] * 95 + [1.0, 2.0, 3.0, 4.0, 5.0]

    assert Statistics((trace(losses=losses),)).loss_last == pytest.approx([3.0])


def test_gains_are_those_of_the_stations_in_order_of_depth():
    statistics = Statistics(tuple(traces(decades_per_layer=-1.0)))

    assert statistics.log10_gain.shape == (3, NUM_STATIONS)
    assert [station.type for station in statistics.stations] == ["Linear"] * 6
    assert np.all(np.diff(statistics.log10_gain, axis=1) > 0)


def test_a_gain_of_zero_has_a_logarithm():
    statistics = Statistics((trace(decades_per_layer=-400.0),))

    assert np.isfinite(statistics.log10_gain).all()


def test_an_estimate_knows_how_sure_it_is():
    wide, narrow = estimate([-4.0, 0.0, 1.0], 0.1), estimate([-1.0, -1.01, -0.99], 0.1)

    assert wide.mean == narrow.mean == pytest.approx(-1.0)
    assert 0.5 < wide.certainty(0.0) < 0.9 < narrow.certainty(0.0)


def test_an_estimate_of_nothing_is_nan_and_as_good_as_a_coin():
    nothing = estimate([math.nan, math.nan], 0.1)

    assert math.isnan(nothing.mean)
    assert nothing.error == math.inf
