"""What enters the network: moments of one sample, and of two, by task."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..documents.arrays import decode_npy
from ..schemas.data import (
    Adding,
    Clusters,
    Data,
    Digits,
    Images,
    Inline,
    Recall,
    Reconstruction,
    Regression,
)
from .activations import TANH
from .averages import averages
from .moments import Moments

# Of the 64 pixels of `digits`, 3 are the same in every image and stay 0.
DIGITS_VARYING = 61 / 64
# Ends of the shares into which samples are parted by their size: finer where a few
# outliers may be most of a mean.
STRATA = (0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.997)
GRATING_POWER = 1.4**2 / 2


def input_moments(data: Data) -> Moments:
    """Moments of the input's elements, before any embedding of tokens.

    Averages over elements, samples and draws of the task; features of different size
    are taken together.
    """
    if data.standardize:
        return Moments(0.0, 1.0, 0.0)
    if isinstance(data, Inline):
        return _inline(data)
    rule = _RULES.get(type(data))
    return rule(data) if rule else Moments(0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Samples of about the same size.

    Attributes:
        share: Of all samples.
        square: Their mean square over that of all.
    """

    share: float
    square: float


# Measured: a pixel that few images use is large in those after standardising.
DIGITS_SIZES = (
    SampleSize(0.2499, 0.5297),
    SampleSize(0.2499, 0.6623),
    SampleSize(0.2504, 0.8197),
    SampleSize(0.1497, 1.074),
    SampleSize(0.0701, 1.714),
    SampleSize(0.0200, 3.532),
    SampleSize(0.0072, 9.426),
    SampleSize(0.0028, 27.69),
)


def sample_sizes(data: Data) -> Sequence[SampleSize]:
    """How the samples differ in size, from the smallest to the largest.

    Known for `digits` and for the caller's own data; else all count as alike.
    """
    if isinstance(data, Digits):
        return DIGITS_SIZES
    if not isinstance(data, Inline):
        return (SampleSize(1.0, 1.0),)
    x = decode_npy(data.x.npy).astype(np.float64)
    x = x.reshape(len(x), -1)
    if data.standardize:
        deviation = x.std(axis=0)
        x = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    squares = np.sort(np.mean(x * x, axis=1))
    if not np.isfinite(squares).all() or not squares.any():
        return (SampleSize(1.0, 1.0),)
    ends = [round(end * len(squares)) for end in STRATA]
    strata = [s for s in np.split(squares, ends) if len(s)]
    return [
        SampleSize(len(s) / len(squares), float(s.mean() / squares.mean()))
        for s in strata
    ]


def _inline(data: Inline) -> Moments:
    x = decode_npy(data.x.npy).astype(np.float64)
    x = x.reshape(len(x), -1)
    if not np.isfinite(x).any():
        return Moments(math.nan, math.nan, math.nan)
    x = np.where(np.isfinite(x), x, np.nan)
    mean = float(np.nanmean(x))
    square = float(np.nanmean(x * x))
    # Features without one finite number say nothing about pairs.
    columns = x[:, np.isfinite(x).any(axis=0)]
    product = float(np.mean(np.nanmean(columns, axis=0) ** 2))
    return Moments(mean, square - mean**2, product - mean**2)


def _clusters(data: Clusters) -> Moments:
    centres = data.scale**2
    return Moments(
        mean=data.shift,
        variance=centres * (1 + data.noise**2),
        # Two samples share their centre once in so many times.
        covariance=centres / (data.classes * data.blobs),
    )


def _images(data: Images) -> Moments:
    return Moments(0.0, GRATING_POWER + data.noise**2, 0.0)


def _reconstruction(data: Reconstruction) -> Moments:
    return Moments(0.0, averages(TANH, 0.0, float(data.latent)).square, 0.0)


def _recall(data: Recall) -> Moments:
    cue = 2.0 / (data.length * data.features)
    return Moments(cue, data.noise**2 + 2 * cue - cue**2, 0.0)


def _adding(data: Adding) -> Moments:
    marked = 2 / data.length
    mean = (0.5 + marked) / 2
    square = (1 / 3 + marked) / 2
    return Moments(mean, square - mean**2, (0.25 + marked**2) / 2 - mean**2)


_RULES: Mapping[type[Any], Callable[[Any], Moments]] = {
    Clusters: _clusters,
    Images: _images,
    Regression: lambda _: Moments(0.0, 1.0, 0.0),
    Reconstruction: _reconstruction,
    Recall: _recall,
    Adding: _adding,
    Digits: lambda _: Moments(0.0, DIGITS_VARYING, 0.0),
}
