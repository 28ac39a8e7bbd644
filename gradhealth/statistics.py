"""Statistics of a set of runs (one a seed), on which the detectors decide."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from . import student
from .schemas.trace import Context, Trace, TracedLayer

FloatArray = NDArray[np.float64]

# Share of the last steps whose mean is the final loss, and at least this many steps.
LAST_SHARE, MIN_LAST_STEPS = 0.05, 3
# Beyond this a t distribution is the normal one.
MAX_DEGREES = 1e6
# log10 of a gain that underflowed even in float64.
LOG10_ZERO = -320.0
# Share of a gradient that counts as remembered.
REMEMBERED = 0.01
RECURRENT = ("RNN", "LSTM", "GRU")


@dataclass(frozen=True)
class Statistics:
    """Numbers over the seeds; rows are seeds, NaN where nothing was measured.

    "start" is the state before the first update, "end" the last state that was
    measured.
    """

    traces: tuple[Trace, ...]

    @property
    def num_seeds(self) -> int:
        """Number of runs."""
        return len(self.traces)

    @property
    def layers(self) -> tuple[TracedLayer, ...]:
        """The layers of the network, in order; empty when unknown."""
        return self.traces[0].layers or ()

    @property
    def context(self) -> Context:
        """What is known beside the numbers (from the first run)."""
        return self.traces[0].context

    @cached_property
    def num_steps(self) -> int:
        """Updates of the longest run."""
        losses = [trace.series.get("loss") for trace in self.traces]
        return max(0 if loss is None else int(loss.count()) for loss in losses)

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """[S] whether the run stayed finite."""
        return np.array(
            [trace.context.non_finite is None for trace in self.traces], bool
        )

    @cached_property
    def loss_first(self) -> FloatArray:
        """[S] loss of the first batch."""
        return np.array([self._losses(trace)[0] for trace in self.traces])

    @cached_property
    def loss_peak(self) -> FloatArray:
        """[S] largest finite loss."""
        finite = [self._losses(trace) for trace in self.traces]
        return np.array([np.max(x[np.isfinite(x)], initial=-math.inf) for x in finite])

    @cached_property
    def grad_norms(self) -> FloatArray:
        """[N] norm of all gradients in every step of every seed, where finite."""
        norms = [t.series["grad_norm"] for t in self.traces if "grad_norm" in t.series]
        known = np.concatenate([n.data[~np.ma.getmaskarray(n)] for n in norms] or [[]])
        return np.asarray(known[np.isfinite(known)])

    @cached_property
    def loss_last(self) -> FloatArray:
        """[S] mean loss of the last 5 % of the steps (at least 3); NaN: not finite."""
        return np.array(
            [
                _last_mean(self._losses(trace)) if finite else math.nan
                for trace, finite in zip(self.traces, self.finite, strict=True)
            ]
        )

    @cached_property
    def progress(self) -> FloatArray:
        """[S] (trivial - last) / (trivial - floor): 0 no better than a constant."""
        trivial = np.array([t.context.trivial_loss or math.nan for t in self.traces])
        floor = np.array([t.context.loss_floor or 0.0 for t in self.traces])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((trivial - self.loss_last) / (trivial - floor))

    @cached_property
    def trivial_loss(self) -> float:
        """Loss of the best constant predictor, mean over the seeds; NaN: unknown."""
        known = [t.context.trivial_loss for t in self.traces]
        return float(np.mean([x for x in known if x is not None] or [math.nan]))

    def at_start(self, name: str) -> FloatArray:
        """[S, L] a layer series at the first state; NaN where not measured."""
        return np.stack([_row(trace, name, 0) for trace in self.traces])

    def at_end(self, name: str) -> FloatArray:
        """[S, L] a layer series at the last state that was measured."""
        return np.stack([_row(trace, name, -1) for trace in self.traces])

    def half_way(self, name: str) -> FloatArray:
        """[S, L] last state measured up to half of the steps; NaN: only the start."""
        return np.stack([_half_way(trace, name) for trace in self.traces])

    def middle(self, name: str) -> FloatArray:
        """[S, L] median over the sampled steps between start and end."""
        return np.stack([_middle(trace, name) for trace in self.traces])

    @cached_property
    def station_indices(self) -> NDArray[np.int64]:
        """[K] columns of the layers whose backward gain was measured, by depth."""
        return np.flatnonzero(~np.isnan(self.at_start("backward_gain")).all(axis=0))

    @cached_property
    def log10_gain(self) -> FloatArray:
        """[S, K] log10 of the backward gain at the start."""
        return self._log10_of_stations(self.at_start("backward_gain"))

    @cached_property
    def log10_gain_at_end(self) -> FloatArray:
        """[S, K] log10 of the backward gain at the last state that was measured."""
        return self._log10_of_stations(self.at_end("backward_gain"))

    @property
    def stations(self) -> list[TracedLayer]:
        """The layers whose backward gain was measured, by depth."""
        return [self.layers[index] for index in self.station_indices]

    def log10_temporal_gain(self, lag: int) -> FloatArray:
        """[S] log10 of the temporal gain at the start; NaN: nothing is recurrent."""
        gains: list[float] = []
        for trace in self.traces:
            series = trace.lag_series.get("temporal_gain")
            known = series is not None and len(series) >= lag
            gains.append(
                float(series[lag - 1]) if series is not None and known else math.nan
            )
        with np.errstate(divide="ignore"):
            return _clipped(np.log10(np.array(gains)))

    @property
    def temporal_gains(self) -> list[FloatArray]:
        """[S][T] temporal gain by lag, of the runs in which a gradient steps back."""
        series = (trace.lag_series.get("temporal_gain") for trace in self.traces)
        gains = [np.asarray(each) for each in series if each is not None]
        # Where none arrives at the first lag, no share of it is left or lost.
        return [each for each in gains if len(each) and each[0] > 0]

    @property
    def memory_horizon(self) -> float | None:
        """Steps back in time at which 1 % of the gradient is left, mean over seeds.

        Infinite where more is left at the longest lag; null where nothing steps back.
        """
        horizons = [_horizon(gains) for gains in self.temporal_gains]
        return float(np.mean(horizons)) if horizons else None

    @property
    def recurrent_paths(self) -> list[str]:
        """Paths of the recurrent layers."""
        return [layer.path for layer in self.layers if layer.type in RECURRENT]

    @cached_property
    def weight_ratio(self) -> FloatArray:
        """[S, L] norm of the weight matrices at the end over the start."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.at_end("weight_norm") / self.at_start("weight_norm"))

    @cached_property
    def forward_change(self) -> FloatArray:
        """[S] ratio of the last station's activation std to the first's."""
        stds = self.at_start("forward_std")
        stds = stds[:, ~np.isnan(stds).all(axis=0)]
        if not stds.size:
            return np.full(self.num_seeds, math.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(stds[:, -1] / stds[:, 0])

    @cached_property
    def forward_growth(self) -> FloatArray:
        """[S] largest ratio of a station's activation std to the first station's."""
        stds = self.at_start("forward_std")
        stds = stds[:, ~np.isnan(stds).all(axis=0)]
        if not stds.size:
            return np.full(self.num_seeds, math.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.max(stds, axis=1) / stds[:, 0])

    def _log10_of_stations(self, gains: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return _clipped(np.log10(gains[:, self.station_indices]))

    def _losses(self, trace: Trace) -> FloatArray:
        losses = trace.series.get("loss", np.ma.masked_array([]))
        known = losses.data[~np.ma.getmaskarray(losses)]
        return np.asarray(known if len(known) else [math.nan], np.float64)


def _last_mean(losses: FloatArray) -> float:
    count = max(MIN_LAST_STEPS, round(LAST_SHARE * len(losses)))
    return float(np.mean(losses[-count:]))


def _measured(trace: Trace, name: str) -> FloatArray:
    """[N, L] the rows in which anything was measured; masked cells become NaN."""
    if name not in trace.layer_series:
        return np.full((1, len(trace.layers or ())), math.nan)
    table = trace.layer_series[name]
    mask = np.ma.getmaskarray(table)
    rows = ~mask.all(axis=1)
    if not rows.any():
        return np.full((1, table.shape[1]), math.nan)
    return np.where(mask, math.nan, table.data)[rows]


def _row(trace: Trace, name: str, index: int) -> FloatArray:
    return np.asarray(_measured(trace, name)[index])


def _horizon(gains: FloatArray) -> float:
    """Lag at which the gain falls below 1 %, by interpolation of its logarithm."""
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = np.log10(gains / gains[0]) - math.log10(REMEMBERED)
    below = np.flatnonzero(decades < 0)
    if not len(below):
        return math.inf
    first = int(below[0])
    before, after = decades[first - 1], max(float(decades[first]), -400.0)
    return first - 1 + float(before / (before - after))


def _half_way(trace: Trace, name: str) -> FloatArray:
    if name not in trace.layer_series or not len(trace.steps):
        return np.full(len(trace.layers or ()), math.nan)
    table = trace.layer_series[name]
    is_known = ~np.ma.getmaskarray(table).all(axis=1)
    is_early = (trace.steps > trace.steps[0]) & (2 * trace.steps <= trace.steps[-1])
    rows = np.flatnonzero(is_known & is_early)
    if not len(rows):
        return np.full(table.shape[1], math.nan)
    row = table[rows[-1]]
    return np.asarray(np.where(np.ma.getmaskarray(row), math.nan, row.data))


def _clipped(log10: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(log10, LOG10_ZERO))


def _middle(trace: Trace, name: str) -> FloatArray:
    rows = _measured(trace, name)[1:-1]
    if not len(rows):
        return np.full(len(trace.layers or ()), math.nan)
    return _quiet_median(rows)


def _quiet_median(rows: FloatArray) -> FloatArray:
    """Median by column, NaN for columns without a number."""
    return np.array(
        [
            np.median(column[~np.isnan(column)])
            if not np.isnan(column).all()
            else math.nan
            for column in rows.T
        ]
    )


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean of a statistic over the seeds, and how far it can be trusted.

    Attributes:
        spread: Standard deviation over seeds; NaN with fewer than two.
        num_seeds: Seeds that have a value.
        tolerance: The error that even many seeds leave: of the statistic as a
            stand-in for what it is held against.
    """

    mean: float
    spread: float
    num_seeds: int
    tolerance: float

    @property
    def sampling_error(self) -> float:
        """Standard error that comes from the choice of seeds."""
        if math.isnan(self.spread):
            return 0.0
        return self.spread / math.sqrt(self.num_seeds)

    @property
    def error(self) -> float:
        """Standard error of the mean, with the tolerance; infinite without a value."""
        if not self.num_seeds:
            return math.inf
        return math.hypot(self.sampling_error, self.tolerance)

    def certainty(self, threshold: float) -> float:
        """Probability that the true value lies on the mean's side of the threshold.

        By Student's t with the degrees of freedom of Welch and Satterthwaite: the
        tolerance is known exactly, the spread from few seeds is not.
        """
        if not self.num_seeds:
            return 0.5
        sampling = self.sampling_error
        degrees = math.inf
        if sampling:
            share = (self.error / sampling) ** 4
            degrees = min((self.num_seeds - 1) * share, MAX_DEGREES)
        return student.cdf(abs(self.mean - threshold) / self.error, degrees)

    def straddles(self, threshold: float) -> bool:
        """Whether the 95 % t-interval over the seeds reaches across the threshold."""
        if self.num_seeds < 2 or math.isnan(self.spread):  # noqa: PLR2004 -- no interval
            return False
        half = student.quantile(0.975, self.num_seeds - 1) * self.sampling_error
        return abs(self.mean - threshold) < half


def estimate(values: Sequence[float] | FloatArray, tolerance: float) -> Estimate:
    """The mean over the seeds that have a value.

    Args:
        values: [S] one number a seed; NaN where there is none.
        tolerance: The error that even many seeds leave.
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return Estimate(math.nan, math.nan, 0, tolerance)
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else math.nan
    return Estimate(float(np.mean(known)), spread, len(known), tolerance)
