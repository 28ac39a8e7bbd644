"""Which figures a result gives, each only where something was measured."""

import math
from collections.abc import Iterator, Sequence

from ...schemas.analysis import LayerStatistics, Result, Spread, Stages
from ...schemas.curve import Curve
from ...schemas.fix import Fix
from .chart import Chart, Level, Line, Point
from .heat_map import HeatMap

# The update-to-weight ratios of the first layer of healthy networks lie between.
HEALTHY_UPDATE_RATIOS = (2e-5, 2e-2)
SMALL_SHARE = 0.01
# Where a gain alone counts as vanished or exploded.
GAIN_LEVELS = (1e-3, 1e3)


def figures_of(result: Result) -> Iterator[Chart | HeatMap]:
    """The figures in the order in which a diagnosis reads them."""
    charts = (
        _backward_gain(result),
        _by_layer(
            result,
            "update_ratio",
            title="How much each layer changes",
            y_label="update / weight, per step",
            levels=[Level("healthy range", value) for value in HEALTHY_UPDATE_RATIOS],
        ),
        _by_layer(
            result,
            "forward_std",
            title="Forward signal",
            y_label="standard deviation over samples",
        ),
        _temporal_gain(result),
        _by_layer(
            result,
            "dead_fraction",
            title="Units that are 0 for every sample",
            y_label="share of the layer",
            is_log=False,
        ),
        _by_layer(
            result,
            "saturated_fraction",
            title="Saturated activations",
            y_label="share of the layer",
            is_log=False,
        ),
        _loss(result),
    )
    yield from (chart for chart in charts[:1] if chart)
    yield from _heat_maps(result)
    yield from (chart for chart in charts[1:] if chart)


def trial_figure(fix: Fix) -> Chart | None:
    """The loss without and with a fix; nothing when it was not trained to the end."""
    trial = fix.trial
    if trial is None or trial.before is None or trial.after is None:
        return None
    pairs = (("before", trial.before.loss), ("after", trial.after.loss))
    lines = [
        Line(f"{name} the fix", name, _points_of(curve))
        for name, curve in pairs
        if curve
    ]
    if not lines:
        return None
    return Chart(
        title="Loss without and with the fix",
        description=f"{fix.title}: each at its own best learning rate, over the same "
        "seeds and batches.",
        x_label="step",
        y_label="loss",
        lines=lines,
    )


def _backward_gain(result: Result) -> Chart | None:
    layers = [each for each in result.layers if each.backward_gain]
    predicted = (
        {each.path: each.backward_gain for each in result.theory.layers}
        if result.theory
        else {}
    )
    theory = [Point(x, _number(predicted.get(e.path))) for x, e in enumerate(layers)]
    lines = [*_stage_lines(layers, "backward_gain"), Line("theory", "theory", theory)]
    return _chart_of_layers(
        layers,
        [line for line in lines if any(not math.isnan(p.y) for p in line.points)],
        title="Backward gain",
        description="Gradient norm at each layer relative to the last hidden one: "
        "1 means that gradients keep their size.",
        y_label="gain (1: size is kept)",
        levels=[Level("threshold", value) for value in GAIN_LEVELS],
    )


def _by_layer(  # noqa: PLR0913 -- the words of a chart
    result: Result,
    statistic: str,
    *,
    title: str,
    y_label: str,
    levels: Sequence[Level] = (),
    is_log: bool = True,
) -> Chart | None:
    layers = [each for each in result.layers if getattr(each, statistic)]
    lines = _stage_lines(layers, statistic)
    largest = max((p.y for line in lines for p in line.points), default=0.0)
    if not is_log and largest < SMALL_SHARE:
        return None  # hardly a unit is dead or saturated: nothing to see
    return _chart_of_layers(
        layers,
        lines,
        title=title,
        description=f"{title}: {y_label}, layer by layer from the input.",
        y_label=y_label,
        levels=levels,
        is_log=is_log,
    )


def _chart_of_layers(  # noqa: PLR0913 -- the words of a chart
    layers: Sequence[LayerStatistics],
    lines: Sequence[Line],
    *,
    title: str,
    description: str,
    y_label: str,
    levels: Sequence[Level],
    is_log: bool = True,
) -> Chart | None:
    if len(layers) < 2 or not lines:  # noqa: PLR2004 -- a line needs two layers
        return None
    return Chart(
        title=title,
        description=description,
        x_label="layer, from the input",
        y_label=y_label,
        lines=lines,
        levels=levels,
        x_ends=(layers[0].path, layers[-1].path),
        is_log=is_log,
    )


def _stage_lines(layers: Sequence[LayerStatistics], statistic: str) -> list[Line]:
    """A line for the start and one for the end of the training."""
    stages: list[Stages | None] = [getattr(each, statistic) for each in layers]
    lines = [
        Line(
            f"measured at the {moment}",
            style,
            [
                _point(
                    x, getattr(stage, moment), geometric=statistic == "backward_gain"
                )
                for x, stage in enumerate(stages)
                if stage is not None
            ],
        )
        for moment, style in (("start", "measured"), ("end", "later"))
    ]
    return [line for line in lines if any(not math.isnan(p.y) for p in line.points)]


def _point(x: float, spread: Spread | None, *, geometric: bool) -> Point:
    if spread is None:
        return Point(x, math.nan)
    if spread.spread is None:
        return Point(x, spread.mean)
    if geometric:  # the spread is in decades
        factor = 10.0 ** min(spread.spread, 300)
        return Point(x, spread.mean, spread.mean / factor, spread.mean * factor)
    return Point(
        x, spread.mean, spread.mean - spread.spread, spread.mean + spread.spread
    )


def _temporal_gain(result: Result) -> Chart | None:
    names = (
        ("temporal_gain", "start", "measured"),
        ("temporal_gain_end", "end", "later"),
    )
    lines = [
        Line(f"measured at the {moment}", style, _points_of(result.curves[name]))
        for name, moment, style in names
        if name in result.curves
    ]
    if not lines:
        return None
    return Chart(
        title="Temporal gain",
        description="How much of the gradient of the last time step reaches an earlier "
        "one: the memory of a recurrent network.",
        x_label="lag in time steps",
        y_label="gain (1: size is kept)",
        lines=lines,
        levels=[Level("threshold", value) for value in GAIN_LEVELS],
        is_log=True,
    )


def _loss(result: Result) -> Chart | None:
    if "loss" not in result.curves:
        return None
    lines = [Line("loss", "measured", _points_of(result.curves["loss"]))]
    trivial = result.curves.get("trivial_loss")
    levels = [Level("best constant", _number(trivial.mean[0]))] if trivial else []
    return Chart(
        title="Loss",
        description="Mean over the seeds, beside the loss of the best constant "
        "predictor: a network that does not learn stays there.",
        x_label="step",
        y_label="loss",
        lines=lines,
        levels=levels,
    )


def _points_of(curve: Curve) -> list[Point]:
    return [
        _point(
            step,
            None if mean is None else Spread(mean=mean, spread=spread),
            geometric=False,
        )
        for step, mean, spread in zip(
            curve.steps, curve.mean, curve.spread, strict=True
        )
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _heat_maps(result: Result) -> Iterator[HeatMap]:
    table = result.layer_curves.get("grad_norm")
    if table is not None and table.steps and table.layers:
        yield HeatMap(
            title="Gradient norm by layer and step",
            description="Each row is a layer (input first), each column a step of the "
            "training; dark is small, bright is large.",
            value_label="gradient norm",
            steps=table.steps,
            layers=table.layers,
            values=table.mean,
        )
