"""Which decisions hang on the choice of seeds, and how many more would settle them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .architecture.network import Network
from .detectors.base import (
    DECADES_TOLERANCE,
    HARM,
    Case,
    Threshold,
)
from .detectors.exploding_gradient import ExplodingGradient
from .detectors.temporal_vanishing import TemporalVanishing
from .detectors.tuned import DEFAULTS, Thresholds, tuned
from .detectors.vanishing_gradient import VanishingGradient
from .layers.base import Signal
from .schemas.trace import Trace
from .statistics import Estimate, Statistics, estimate

# More seeds than this are not asked for: the spread falls with their square root.
MAX_SEEDS = 8
# The spread over seeds of narrow and deep networks needs this many from the start:
# var(ln ||delta||^2) is about 5 beta, beta the sum of 1 / width (Hanin & Nica 2019).
NARROW_SEEDS, NARROW_BETA = 5, 1.0


@dataclass(frozen=True, slots=True)
class Straddle:
    """A statistic whose 95 % t-interval over the seeds reaches across its threshold."""

    statistic: str
    estimate: Estimate
    threshold: Threshold

    @property
    def text(self) -> str:
        """In words."""
        value = self.estimate
        return (
            f"{self.statistic} = {value.mean:.3g} ± {value.spread:.2g} over "
            f"{value.num_seeds} seeds, on the border of {self.threshold.value:g}"
        )


def straddles(
    traces: list[Trace],
    network: Network | None = None,
    thresholds: Thresholds = DEFAULTS,
) -> list[Straddle]:
    """The decisions that other seeds could turn over."""
    case = Case(Statistics(tuple(traces)), network)
    return [each for each in _decisions(case, thresholds) if _is_open(each)]


def more_seeds(
    traces: list[Trace], network: Network, thresholds: Thresholds = DEFAULTS
) -> list[int]:
    """Seeds to measure beside those that were: up to 5 in all, then up to 8.

    None where nothing straddles and the network is wide for its depth.
    """
    known = [trace.context.seed or 0 for trace in traces]
    wanted = len(known)
    if straddles(traces, network, thresholds):
        wanted = NARROW_SEEDS if len(known) < NARROW_SEEDS else MAX_SEEDS
    elif beta(network) > NARROW_BETA:
        wanted = NARROW_SEEDS
    first = max(known, default=-1) + 1
    return list(range(first, first + max(0, wanted - len(known))))


def beta(network: Network) -> float:
    """Sum of 1/width over the stations: features, or elements of an image."""
    return sum(1 / _width(station.output) for station in network.stations)


def _width(signal: Signal) -> int:
    is_sequence = len(signal.dims) == 2  # noqa: PLR2004 -- [length, features]
    return signal.dims[-1] if is_sequence else signal.size


def _is_open(straddle: Straddle) -> bool:
    return straddle.estimate.straddles(straddle.threshold.value)


def _decisions(case: Case, thresholds: Thresholds) -> Iterator[Straddle]:
    gains = case.statistics.log10_gain
    if gains.shape[1] > 1:
        for column, threshold in (
            (gains.min(axis=1), tuned(VanishingGradient, thresholds).gain),
            (gains.max(axis=1), tuned(ExplodingGradient, thresholds).gain),
        ):
            value = estimate(column, DECADES_TOLERANCE)
            yield Straddle("log10_backward_gain", value, threshold)
    lag = case.statistics.context.lag
    if lag is not None:
        gain = case.statistics.log10_temporal_gain(lag)
        if not np.isnan(gain).all():
            value = estimate(gain, DECADES_TOLERANCE)
            limit = tuned(TemporalVanishing, thresholds).gain
            yield Straddle("log10_temporal_gain", value, limit)
    if case.is_trained:
        yield Straddle("progress", case.progress, HARM)
