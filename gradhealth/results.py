"""Puts a result together: statistics by layer and by step beside the diagnosis."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .diagnosis import Diagnosis
from .layer_curves import layer_curve
from .schemas.analysis import (
    Environment,
    LayerStatistics,
    Result,
    Spread,
    Stages,
    Theory,
)
from .schemas.curve import Curve, LayerCurve
from .schemas.fix import Fix
from .schemas.trace import Series, Trace, TracedLayer
from .signs import signs_of
from .statistics import FloatArray, Statistics

LAYER_SERIES = (
    "backward_gain",
    "forward_std",
    "grad_norm",
    "weight_norm",
    "update_ratio",
    "dead_fraction",
    "saturated_fraction",
)
# A curve longer than this is thinned: every k-th step and the last.
MAX_CURVE_POINTS = 512


def assemble(  # noqa: PLR0913 -- the parts of a result
    diagnosis: Diagnosis,
    traces: Sequence[Trace],
    *,
    theory: Theory | None = None,
    fixes: Sequence[Fix] = (),
    notes: Sequence[str] = (),
    environment: Environment,
) -> Result:
    """The whole answer about a set of runs."""
    statistics = Statistics(tuple(traces))
    return Result(
        verdict=diagnosis.verdict,
        primary=diagnosis.primary,
        summary=diagnosis.summary,
        findings=list(diagnosis.findings),
        signs=signs_of(statistics),
        layers=_layers(statistics),
        curves=_curves(statistics),
        layer_curves=_layer_curves(statistics),
        theory=theory,
        fixes=list(fixes),
        notes=[*notes, *diagnosis.notes],
        environment=environment,
    )


def _layers(statistics: Statistics) -> list[LayerStatistics]:
    stages = {name: _stages(statistics, name) for name in LAYER_SERIES}
    return by_layer(statistics.layers, stages)


def by_layer(
    layers: Sequence[TracedLayer], stages: Mapping[str, Sequence[Stages | None]]
) -> list[LayerStatistics]:
    """One entry a layer in which anything was measured, by depth.

    Args:
        layers: [L] in the order of depth.
        stages: [L] by name of the statistic.
    """
    return [
        LayerStatistics(
            path=layer.path,
            type=layer.type,
            depth=depth,
            **{name: column[depth] for name, column in stages.items()},
        )
        for depth, layer in enumerate(layers)
        if any(column[depth] for column in stages.values())
    ]


def _stages(statistics: Statistics, name: str) -> list[Stages | None]:
    rows = (
        statistics.at_start(name),
        statistics.middle(name),
        statistics.at_end(name),
    )
    geometric = name == "backward_gain"
    columns = [[_spread(c, geometric=geometric) for c in table.T] for table in rows]
    return [
        Stages(start=start, middle=middle, end=end) if start or middle or end else None
        for start, middle, end in zip(*columns, strict=True)
    ]


def _spread(values: FloatArray, *, geometric: bool) -> Spread | None:
    """Mean and standard deviation over the seeds; of gains, in decades."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    if geometric and (known > 0).all():
        decades = np.log10(known)
        return Spread(mean=float(10 ** decades.mean()), spread=_deviation(decades))
    return Spread(mean=float(known.mean()), spread=_deviation(known))


def _deviation(values: FloatArray) -> float | None:
    # A ratio to weights that are 0 is infinite, and infinities have no spread.
    is_known = len(values) > 1 and np.isfinite(values).all()
    return float(np.std(values, ddof=1)) if is_known else None


def _curves(statistics: Statistics) -> dict[str, Curve]:
    traces = statistics.traces
    longest = max(traces, key=lambda trace: len(trace.steps))
    curves = {
        name: _curve(longest.steps.tolist(), [trace.series[name] for trace in traces])
        for name in ("loss", "grad_norm")
        if name in longest.series
    }
    if "loss" in curves and not math.isnan(statistics.trivial_loss):
        curves["trivial_loss"] = Curve(
            steps=[0], mean=[statistics.trivial_loss], spread=[None]
        )
    for name in ("forward_std", "update_ratio"):
        if name in longest.layer_series:
            # A run that broke at its first step has no update to show.
            rows = [
                _over_layers(trace.layer_series[name])
                for trace in traces
                if name in trace.layer_series
            ]
            curves[name] = _curve(longest.steps.tolist(), rows)
    for name in ("temporal_gain", "temporal_gain_end"):
        if name in longest.lag_series:
            series = [t.lag_series[name] for t in traces if name in t.lag_series]
            curves[name] = _curve(longest.lags.tolist(), series)
    return curves


def _layer_curves(statistics: Statistics) -> dict[str, LayerCurve]:
    curve = layer_curve(statistics.traces, "grad_norm")
    return {} if curve is None else {"grad_norm": curve}


def _over_layers(table: Series) -> Series:
    """[T] geometric mean over the layers of each step at which it was measured."""
    mask = np.ma.getmaskarray(table) | ~(table.data > 0)
    logs = np.where(mask, 0.0, np.log(np.where(mask, 1.0, table.data)))
    counts = (~mask).sum(axis=1)
    means = np.exp(logs.sum(axis=1) / np.maximum(counts, 1))
    return np.ma.masked_array(means, counts == 0)


def _curve(steps: list[int], series: Sequence[Series]) -> Curve:
    """Mean and spread over the seeds, at the steps where any was measured."""
    table = np.full((len(series), len(steps)), math.nan)
    present = np.zeros(table.shape, bool)
    for row, values in enumerate(series):
        table[row, : len(values)] = values.data
        present[row, : len(values)] = ~np.ma.getmaskarray(values)
    measured = np.flatnonzero(present.any(axis=0))
    stride = -(-len(measured) // MAX_CURVE_POINTS) or 1
    shown = sorted({*measured[::stride].tolist(), *measured[-1:].tolist()})
    points = [table[present[:, column], column] for column in shown]
    with np.errstate(all="ignore"):
        return Curve(
            steps=[steps[column] for column in shown],
            mean=[float(np.mean(values)) for values in points],
            spread=[_deviation(values) for values in points],
        )
