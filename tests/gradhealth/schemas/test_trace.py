import json

import numpy as np

from gradhealth.schemas.trace import Trace
from tests.support.traces import empty_trace, trace


def test_a_trace_survives_json():
    before = trace(temporal=0.5, decades_per_layer=-1.0)

    after = Trace.from_json(json.loads(json.dumps(before.to_json(), allow_nan=False)))

    assert after.layers == before.layers
    assert after.context == before.context
    for name, series in before.layer_series.items():
        assert np.array_equal(after.layer_series[name].mask, series.mask)
        assert np.ma.allequal(after.layer_series[name], series)
    assert np.array_equal(after.lags, before.lags)


def test_nothing_logged_and_not_finite_are_told_apart():
    before = trace(losses=[1.0, float("nan"), float("inf"), float("-inf")])

    document = json.loads(json.dumps(before.to_json(), allow_nan=False))
    loss = Trace.from_json(document).series["loss"]

    written = [1.0, "NaN", "Infinity", "-Infinity", None]
    assert document["series"]["loss"][:5] == written
    assert np.isnan(loss.data[1])
    assert loss.mask.tolist()[:5] == [False, False, False, False, True]


def test_an_empty_trace_survives_json():
    assert Trace.from_json(empty_trace().to_json()).layers is None
