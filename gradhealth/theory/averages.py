"""Averages of an activation and its slope over a Gaussian pre-activation.

Gauss-Hermite quadrature is wrong here: kinks and saturation cost it 5 to 90 % (a
narrow slope falls between its nodes). The line is cut instead at the function's own
kinks and bends and at steps of the Gaussian, and each piece, smooth by construction,
is integrated by Gauss-Legendre to about 12 digits.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .activations import Curve, Values

# Nodes a piece, and how far out the Gaussian is followed, in standard deviations:
# beyond 12 its mass is 1e-33.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_REACH = 12.0
ROUNDING = 1e-12
_STEPS = np.linspace(-_REACH, _REACH, 25)


@dataclass(frozen=True, slots=True)
class Averages:
    """E over u = mean + sqrt(variance) z, z ~ N(0, 1).

    Attributes:
        value: E[phi(u)].
        square: E[phi(u)^2].
        slope: E[phi'(u)].
        slope_square: E[phi'(u)^2], the chi of mean-field theory over sigma_w^2.
        slope_fourth: E[phi'(u)^4].
        tilt: E[phi(u) z], first Hermite coefficient.
        bend: E[phi(u) (z^2 - 1)] / sqrt(2), second Hermite coefficient.
        slope_tilt: E[phi'(u)^2 z].
        carried: E[phi(u) phi'(u) u].
        slope_value: E[phi'(u)^2 phi(u)^2].
    """

    value: float
    square: float
    slope: float
    slope_square: float
    slope_fourth: float
    tilt: float
    bend: float
    slope_tilt: float
    carried: float
    slope_value: float

    def pair(self, correlation: float) -> float:
        """E[phi(u) phi(v)] of two pre-activations with this correlation.

        The Hermite series (Poole 2016; O'Donnell 2014, section 11): the first three
        terms are exact, the rest is put at the next power, so both ends are too.
        """
        known = (self.value**2, self.tilt**2, self.bend**2)
        return _series((*known, self.square - sum(known)), correlation)

    def slope_overlap(self, correlation: float) -> float:
        """Correlation of phi'(u)^2 and phi'(v)^2 (1 where the slope is constant)."""
        spread = self.slope_fourth - self.slope_square**2
        if spread <= ROUNDING * self.slope_fourth:
            return 1.0
        tilt = self.slope_tilt**2
        return _series((0.0, tilt, 0.0, spread - tilt), correlation) / spread


def _series(terms: tuple[float, ...], correlation: float) -> float:
    return sum(term * correlation**power for power, term in enumerate(terms))


def averages(
    curve: Curve, mean: float, variance: float, largest_of: int = 1
) -> Averages:
    """Averages of `curve` over N(mean, variance).

    Args:
        curve: The activation.
        mean: Of the pre-activation.
        variance: Of the pre-activation; 0 is a point.
        largest_of: Average over the largest of so many independent draws instead,
            which is what a max-pooling window passes on.
    """
    # Layers near a fixed point then have the very same pre-activation.
    return _averages(curve, _rounded(mean), _rounded(variance), largest_of)


def _rounded(value: float) -> float:
    """To 26 bits, far below what the theory can tell."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(mantissa * 2**26), exponent - 26)


@lru_cache(maxsize=4096)
def _averages(curve: Curve, mean: float, variance: float, largest_of: int) -> Averages:
    std = math.sqrt(variance)
    if std == 0:
        z, weights = np.zeros(1), np.ones(1)
    else:
        z, weights = _quadrature(curve, mean, std)
        if largest_of > 1:
            weights = weights * _largest_density(weights, largest_of)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        u = mean + std * z
        phi, slope = curve.value(u), curve.slope(u)
        power = slope * slope
        rows = [phi, phi * phi, slope, power, power * power]
        rows += [phi * z, phi * (z * z - 1) / math.sqrt(2), power * z]
        rows += [phi * slope * u, power * phi * phi]
        return Averages(*(np.array(rows) @ weights).tolist())


def _quadrature(curve: Curve, mean: float, std: float) -> tuple[Values, Values]:
    """Nodes z and weights, the Gaussian density included."""
    edges = np.union1d(_STEPS, (_bends(curve, abs(mean) + _REACH * std) - mean) / std)
    edges = edges[(edges >= -_REACH) & (edges <= _REACH)]
    half = np.diff(edges)[:, None] / 2
    z = edges[:-1, None] + half * (1 + _NODES)
    weights = half * _WEIGHTS * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return z.ravel(), weights.ravel()


def _bends(curve: Curve, reach: float) -> Values:
    """Kinks, and distances from 0 in octaves of the curve's own scale."""
    if reach <= curve.scale / 2:
        return np.array(curve.kinks)
    num_octaves = math.ceil(math.log2(reach / curve.scale)) + 2
    octaves = curve.scale * np.exp2(np.arange(-1, num_octaves))
    return np.concatenate([curve.kinks, -octaves, octaves])


def _largest_density(weights: Values, largest_of: int) -> Values:
    """Density of the largest of n draws over that of one: n F(z)^(n-1)."""
    share = np.clip(np.cumsum(weights) - weights / 2, 0.0, 1.0)
    density: Values = largest_of * share ** (largest_of - 1)
    return density / (density @ weights)
