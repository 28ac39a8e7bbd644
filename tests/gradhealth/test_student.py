import math

import pytest

from gradhealth.student import cdf, quantile


# Critical values of the printed tables (two-sided 95 % and 99 %).
@pytest.mark.parametrize(
    ("degrees", "probability", "t"),
    [
        (1, 0.975, 12.706),
        (2, 0.975, 4.303),
        (4, 0.975, 2.776),
        (7, 0.995, 3.499),
        (30, 0.975, 2.042),
        (math.inf, 0.975, 1.960),
    ],
)
def test_the_tables_are_met(degrees, probability, t):
    assert cdf(t, degrees) == pytest.approx(probability, abs=1e-4)
    assert quantile(probability, degrees) == pytest.approx(t, abs=1e-3)


def test_it_is_symmetric_and_bounded():
    assert cdf(0, 3) == pytest.approx(0.5)
    assert cdf(-1.3, 2.5) == pytest.approx(1 - cdf(1.3, 2.5))
    assert cdf(math.inf, 2) == 1
    assert cdf(-math.inf, 2) == 0
    assert cdf(1e12, 1) <= 1


def test_many_degrees_of_freedom_are_the_normal_distribution():
    assert cdf(1.0, 1e7) == pytest.approx(cdf(1.0, math.inf), abs=1e-6)
