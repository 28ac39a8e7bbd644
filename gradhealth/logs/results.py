"""Puts the result about a log together."""

import math
import time

import numpy as np

from .. import __version__
from ..detectors.tuned import DEFAULTS, Thresholds
from ..results import LAYER_SERIES, MAX_CURVE_POINTS, by_layer
from ..schemas.analysis import (
    Durations,
    Environment,
    LayerStatistics,
    Result,
    Spread,
    Stages,
)
from ..schemas.curve import Curve, LayerCurve
from ..schemas.trace import Trace
from .detectors.base import Run
from .diagnosis import diagnose_log
from .histories.history import History
from .histories.points import Points
from .histories.table import Table
from .prescription import advise
from .signs import events_of

CURVES = ("loss", "eval_loss", "grad_norm", "lr", "loss_scale")
# About 7,000 cells at most: more could not be told apart on a page.
MAX_HEAT_STEPS, MAX_HEAT_LAYERS = 60, 120


def judge_log(trace: Trace, thresholds: Thresholds = DEFAULTS) -> Result:
    """The whole answer about a run that somebody logged.

    Args:
        trace: Of any length; needs no layers, no losses and no norms to be accepted.
        thresholds: Values in place of the detectors' own.
    """
    began = time.perf_counter()
    result = judge_history(History.of(trace), thresholds)
    spent = Durations(total=time.perf_counter() - began)
    environment = result.environment.model_copy(update={"durations": spent})
    return result.model_copy(update={"environment": environment})


def judge_history(history: History, thresholds: Thresholds = DEFAULTS) -> Result:
    """The answer about a run as far as it has come."""
    run = Run(history)
    diagnosis = diagnose_log(run, thresholds)
    return Result(
        verdict=diagnosis.verdict,
        primary=diagnosis.primary,
        summary=diagnosis.summary,
        findings=list(diagnosis.findings),
        signs=events_of(run),
        layers=_layers(history),
        curves=_curves(history),
        layer_curves=_layer_curves(history),
        fixes=advise(run, diagnosis.findings),
        notes=list(diagnosis.notes),
        environment=Environment(versions={"gradhealth": __version__}),
    )


def _layers(history: History) -> list[LayerStatistics]:
    stages = {
        name: _stages(table)
        for name in LAYER_SERIES
        if (table := history.layer_table(name)) is not None
    }
    return by_layer(history.layers, stages)


def _stages(table: Table) -> list[Stages | None]:
    """The first value, the median of the blocks, and the latest value of each layer."""
    blocks = table.blocks
    known = blocks.count > 0
    seen = np.asarray(known.any(axis=0))
    middle = np.full(len(seen), math.nan)
    middle[seen] = np.nanmedian(
        np.where(known, blocks.mean, math.nan)[:, seen].astype(np.float64), axis=0
    )
    if table.is_size:
        middle = 10.0**middle
    columns = zip(table.first, middle, table.last, strict=True)
    return [
        Stages(start=_spread(start), middle=_spread(half), end=_spread(end))
        if not math.isnan(start)
        else None
        for start, half, end in columns
    ]


def _spread(value: float) -> Spread | None:
    return None if math.isnan(value) else Spread(mean=float(value))


def _curves(history: History) -> dict[str, Curve]:
    names = [name for name in CURVES if name in history.series_names]
    curves = {name: _curve(history.points(name), name) for name in names}
    trivial = history.context.trivial_loss
    if trivial is not None:
        curves["trivial_loss"] = Curve(steps=[0], mean=[trivial], spread=[None])
    return curves


def _curve(points: Points, name: str) -> Curve:
    values = points.values
    if "norm" in name or name == "loss_scale":
        values = np.where(points.zeros > 0, 0.0, 10.0 ** values.astype(np.float64))
    stride = -(-len(values) // MAX_CURVE_POINTS) or 1
    last = len(values) - 1
    shown = sorted({*range(0, len(values), stride), *[last] * (last >= 0)})
    return Curve(
        steps=[int(points.steps[place]) for place in shown],
        mean=[float(values[place]) for place in shown],
        spread=[None] * len(shown),
    )


def _layer_curves(history: History) -> dict[str, LayerCurve]:
    table = history.layer_table("grad_norm")
    if table is None or not history.layers:
        return {}
    blocks, steps = table.blocks, history.block_steps
    while len(blocks) > MAX_HEAT_STEPS:
        blocks, steps = blocks.in_pairs(), steps[::2]
    seen = (blocks.count + blocks.broken + blocks.zeros) > 0
    columns = np.flatnonzero(seen.any(axis=0))
    columns = columns[:: -(-len(columns) // MAX_HEAT_LAYERS) or 1]
    rows = np.flatnonzero(seen.any(axis=1))
    if not len(rows):
        return {}
    # A cell in which anything was not finite says so: a mean would hide it.
    cells = np.where(blocks.count > 0, 10.0 ** blocks.mean.astype(np.float64), 0.0)
    cells = np.where(blocks.broken > 0, math.nan, cells)
    mean = [
        [_shown(cells[row, c]) if seen[row, c] else None for c in columns]
        for row in rows
    ]
    return {
        "grad_norm": LayerCurve(
            steps=[int(steps[row]) for row in rows],
            layers=[history.layers[column].path for column in columns],
            mean=mean,
        )
    }


def _shown(value: float) -> float:
    """To 3 digits: a colour shows no more."""
    return float(f"{value:.3g}")
