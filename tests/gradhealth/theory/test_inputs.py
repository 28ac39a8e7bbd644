"""Moments of what enters, by task."""

import base64
import io
import math

import numpy as np
import pytest

from gradhealth.architecture.network import resolve
from gradhealth.theory.inputs import input_moments


def _moments(data, out=4):
    model = [{"type": "Flatten"}, {"type": "Linear", "out_features": out}]
    return input_moments(resolve({"data": data, "model": model}).goal.data)


def _npy(values):
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return {"npy": base64.b64encode(buffer.getvalue()).decode()}


def _classification(x):
    return {"task": "classification", "x": _npy(x), "y": _npy(np.arange(len(x)) % 2)}


@pytest.mark.parametrize(
    ("data", "square"),
    [
        ({"task": "clusters"}, 1 + 0.35**2),
        ({"task": "clusters", "scale": 60.0, "shift": 120.0}, 18441),
        ({"task": "images", "noise": 1.0}, 1.98),
        ({"task": "images", "standardize": True}, 1),
        ({"task": "recall", "noise": 0.3}, 0.09 + 4 / 320),
        ({"task": "recall", "standardize": True}, 1),
        ({"task": "digits", "standardize": True}, 1),
    ],
)
def test_squares_follow_from_the_task(data, square):
    assert _moments(data, out=10).square == pytest.approx(square, rel=1e-3)


@pytest.mark.parametrize(
    ("data", "out", "square"),
    [
        ({"task": "regression"}, 1, 1),
        ({"task": "adding"}, 1, (1 / 3 + 1 / 20) / 2),
        # E[tanh(2 z)^2], z ~ N(0, 1).
        ({"task": "reconstruction", "latent": 4}, 16, 0.6303),
    ],
)
def test_squares_of_tasks_with_values(data, out, square):
    assert _moments(data, out=out).square == pytest.approx(square, rel=0.01)


def test_clusters_share_their_shift_and_sometimes_their_centre():
    moments = _moments({"task": "clusters", "shift": 3.0, "blobs": 5, "classes": 4})

    assert moments.product == pytest.approx(9 + 1 / 20)


def test_inline_samples_are_measured():
    x = np.random.default_rng(0).normal(5.0, 2.0, (4000, 6)) + np.arange(6)

    moments = _moments(_classification(x))

    assert moments.mean == pytest.approx(7.5, rel=0.02)
    assert moments.square == pytest.approx((x * x).mean())
    assert moments.product == pytest.approx((x.mean(axis=0) ** 2).mean(), rel=1e-6)


def test_missing_values_are_left_out():
    x = np.random.default_rng(0).normal(size=(100, 3))
    x[5] = np.nan
    x[7, 1] = np.inf
    x[:, 2] = np.nan

    moments = _moments(_classification(x))

    assert moments.square == pytest.approx(1, rel=0.2)


def test_an_input_without_any_number_has_no_moments():
    moments = _moments(_classification(np.full((10, 3), np.nan)))

    assert math.isnan(moments.square)
