"""Student's t distribution, for means over few seeds (Student 1908)."""

import math

# Terms of the continued fraction; it converges in O(sqrt(max(a, b))) of them.
_MAX_TERMS, _PRECISION = 300, 1e-12


def cdf(t: float, degrees: float) -> float:
    """P(T <= t).

    Args:
        t: Any number.
        degrees: Degrees of freedom, above 0; infinity is the normal distribution.
    """
    if math.isinf(degrees):
        return 0.5 * (1 + math.erf(t / math.sqrt(2)))
    if math.isinf(t):
        return float(t > 0)
    tail = 0.5 * _incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)
    return 1 - tail if t > 0 else tail


def quantile(probability: float, degrees: float) -> float:
    """The t below which T lies with this probability (at least 0.5), by bisection."""
    low, high = 0.0, 1.0
    while cdf(high, degrees) < probability:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if cdf(middle, degrees) < probability else (low, middle)
        )
    return high


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b).

    By Lentz's continued fraction (Numerical Recipes, 3rd edition, section 6.4).
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    log_front = (
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log1p(-x)
    )
    return math.exp(log_front) * _continued_fraction(x, a, b) / a


def _continued_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MAX_TERMS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / (1 + numerator * d), 1 + numerator / c
            value *= d * c
        if abs(d * c - 1) < _PRECISION:
            break
    return value
