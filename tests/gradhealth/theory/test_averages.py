"""Averages against closed forms and against a dense sum."""

import math

import numpy as np
import pytest

from gradhealth.layers.activation import CELU, GELU, Softplus
from gradhealth.theory.activations import (
    CURVES,
    IDENTITY,
    RELU,
    TANH,
    curve_of,
    leaky,
)
from gradhealth.theory.averages import averages

ELEMENTWISE = [layer() for layer in CURVES]
ELEMENTWISE += [GELU(approximate="tanh"), Softplus(beta=3.0), CELU(alpha=0.3)]


def _share_below(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


@pytest.mark.parametrize("variance", [1e-12, 1.0, 25.0, 1e12])
def test_relu_halves_the_square_and_the_slope(variance):
    mean = averages(RELU, 0.0, variance)

    assert mean.square == pytest.approx(variance / 2)
    assert mean.slope_square == pytest.approx(0.5)
    assert mean.value == pytest.approx(math.sqrt(variance / 2 / math.pi))


@pytest.mark.parametrize("bias", [-8.0, -2.0, 0.5, 3.0])
def test_a_shifted_relu_is_on_with_the_normal_s_own_probability(bias):
    mean = averages(RELU, bias, 2.0)

    assert mean.slope_square == pytest.approx(_share_below(bias / math.sqrt(2)))


@pytest.mark.parametrize("layer", ELEMENTWISE, ids=repr)
@pytest.mark.parametrize(("shift", "variance"), [(0, 0.01), (0, 1), (0, 25), (1.3, 4)])
def test_averages_agree_with_a_dense_sum(layer, shift, variance):
    curve = curve_of(layer)
    z = (np.arange(48_000) + 0.37) / 48_000 * 24 - 12
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * 24 / 48_000
    u = shift + math.sqrt(variance) * z
    phi, slope = curve.value(u), curve.slope(u)

    mean = averages(curve, float(shift), float(variance))

    assert mean.value == pytest.approx(density @ phi, rel=2e-3, abs=1e-6)
    assert mean.square == pytest.approx(density @ phi**2, rel=2e-3)
    assert mean.slope_square == pytest.approx(density @ slope**2, rel=2e-3)
    assert mean.slope_fourth == pytest.approx(density @ slope**4, rel=2e-3)
    assert mean.tilt == pytest.approx(density @ (phi * z), rel=2e-3, abs=1e-6)
    assert mean.carried == pytest.approx(density @ (phi * slope * u), rel=2e-3)


@pytest.mark.parametrize("layer", ELEMENTWISE, ids=repr)
def test_slopes_are_the_derivatives_of_values(layer):
    curve = curve_of(layer)
    x = np.linspace(-9.03, 9.01, 1001)
    x = x[np.abs(x[:, None] - np.array([*curve.kinks, 99.0])).min(axis=1) > 1e-3]

    numeric = (curve.value(x + 1e-6) - curve.value(x - 1e-6)) / 2e-6

    assert curve.slope(x) == pytest.approx(numeric, abs=1e-6)


def test_a_point_is_averaged_by_itself():
    mean = averages(TANH, 0.5, 0.0)

    assert mean.value == pytest.approx(math.tanh(0.5))
    assert mean.slope == pytest.approx(1 - math.tanh(0.5) ** 2)


@pytest.mark.parametrize("largest_of", [2, 4, 9])
def test_the_largest_of_several_units_is_rarely_off(largest_of):
    mean = averages(RELU, 0.0, 1.0, largest_of)

    assert mean.slope_square == pytest.approx(1 - 2.0**-largest_of, rel=1e-3)


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.3, 0.9, 1.0])
def test_pairs_of_relus_follow_the_arc_cosine_kernel(correlation):
    # Cho & Saul 2009.
    angle = math.acos(correlation)
    expected = (math.sin(angle) + (math.pi - angle) * correlation) / (2 * math.pi)

    assert averages(RELU, 0.0, 1.0).pair(correlation) == pytest.approx(
        expected, abs=0.005
    )


def test_pairs_end_at_independence_and_at_the_same_unit():
    mean = averages(TANH, 0.4, 3.0)

    assert mean.pair(0.0) == pytest.approx(mean.value**2)
    assert mean.pair(1.0) == pytest.approx(mean.square)


def test_slopes_of_different_samples_are_alike_as_far_as_the_samples_are():
    mean = averages(RELU, 0.0, 1.0)

    assert mean.slope_overlap(0.0) == pytest.approx(0)
    assert 0 < mean.slope_overlap(0.5) < 1
    assert mean.slope_overlap(1.0) == pytest.approx(1)


def test_constant_slopes_are_always_alike():
    assert averages(IDENTITY, 0.0, 1.0).slope_overlap(0.2) == 1
    assert averages(leaky(1.0), 0.0, 1.0).slope_overlap(0.2) == 1
