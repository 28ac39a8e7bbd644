"""Statistics of the layers, from the input (left) to the output (right)."""

import math
from collections.abc import Mapping, Sequence

from ...detectors.base import VANISHED
from ...detectors.dead_relu import DeadRelu
from ...detectors.exploding_gradient import ExplodingGradient
from ...detectors.saturated_activation import SaturatedActivation
from ...schemas.analysis import LayerStatistics, Result, Stages
from .chart import Chart
from .marks import Level, Line, Point, Zone
from .points import SpreadKind, number, point_of

X_LABEL = "layer"
# The update-to-weight ratios of the first layer of healthy networks lie between.
HEALTHY_UPDATES = Zone("healthy", 2e-5, 2e-2)
# A share that nobody would see.
SMALL_SHARE = 0.01
# What is drawn on a logarithmic axis; gains are averaged there already.
_SPREADS: Mapping[str, SpreadKind] = {
    "backward_gain": "decades",
    "update_ratio": "ratio",
    "forward_std": "ratio",
}
# Where a gain alone counts as vanished or exploded.
GAIN_LEVELS = (
    Level("vanished below", 10.0**VANISHED.value),
    Level("exploded above", 10.0**ExplodingGradient.gain.value),
)


def backward_gain(result: Result) -> Chart | None:
    """How much of the gradient reaches each layer, beside what theory predicts."""
    layers = _measured(result, "backward_gain")
    lines = [*_theory(result, layers), *_stage_lines(layers, "backward_gain")]
    return _drawable(
        Chart(
            title="Backward gain by depth",
            description="The gradient's norm at each layer relative to the last hidden "
            "one: at 1 gradients keep their size on their way back to the input.",
            x_label=X_LABEL,
            y_label="gain J",
            lines=lines,
            levels=GAIN_LEVELS,
            x_names=_names(layers),
            is_log=True,
        )
    )


def update_ratio(result: Result) -> Chart | None:
    """How much of itself each layer changes in a step."""
    layers = _measured(result, "update_ratio")
    return _drawable(
        Chart(
            title="Update ratio by layer",
            description="How much of itself each layer's weights change in one step. "
            "Far below the healthy range a layer does not learn, far above it forgets.",
            x_label=X_LABEL,
            y_label="update / weight",
            lines=_stage_lines(layers, "update_ratio"),
            zone=HEALTHY_UPDATES,
            x_names=_names(layers),
            is_log=True,
        )
    )


def forward_signal(result: Result) -> Chart | None:
    """Whether the signal survives on its way to the output."""
    layers = _measured(result, "forward_std")
    return _drawable(
        Chart(
            title="Forward signal by depth",
            description="Standard deviation of each layer's output over the samples: "
            "near 0 all inputs look the same from there on.",
            x_label=X_LABEL,
            y_label="standard deviation",
            lines=_stage_lines(layers, "forward_std"),
            x_names=_names(layers),
            is_log=True,
        )
    )


def dead_units(result: Result) -> Chart | None:
    """Units that are 0 for every sample."""
    return _shares(
        result,
        "dead_fraction",
        title="Dead units",
        description="Share of each layer's units that are 0 for every sample: they "
        "pass no gradient, and stay so.",
        threshold=DeadRelu.share.value,
    )


def saturated_units(result: Result) -> Chart | None:
    """Units at the flat ends of their activation."""
    return _shares(
        result,
        "saturated_fraction",
        title="Saturated units",
        description="Share of each layer's activations at the flat ends of the "
        "function, where its slope is next to 0.",
        threshold=SaturatedActivation.share.value,
    )


def _shares(
    result: Result, statistic: str, *, title: str, description: str, threshold: float
) -> Chart | None:
    layers = _measured(result, statistic)
    lines = _stage_lines(layers, statistic)
    largest = max((p.y for line in lines for p in line.points), default=0.0)
    if largest < SMALL_SHARE:
        return None
    return _drawable(
        Chart(
            title=title,
            description=description,
            x_label=X_LABEL,
            y_label="share of the layer",
            lines=lines,
            levels=[Level("a problem above", threshold)],
            y_range=(0.0, 1.0),
            x_names=_names(layers),
        )
    )


def _measured(result: Result, statistic: str) -> list[LayerStatistics]:
    return [each for each in result.layers if getattr(each, statistic)]


def _names(layers: Sequence[LayerStatistics]) -> Mapping[float, str]:
    return {_place(e): f"{_place(e)} · {e.path} · {e.type}" for e in layers}


def _place(layer: LayerStatistics) -> int:
    """A layer's number, the same in every figure; 1 is the first."""
    return layer.depth + 1


def _drawable(chart: Chart) -> Chart | None:
    """A line needs two layers, and something that was measured."""
    return chart if len(chart.x_names) > 1 and chart.lines else None


def _stage_lines(layers: Sequence[LayerStatistics], statistic: str) -> list[Line]:
    """A line for the start and one for the end of the training."""
    stages: list[Stages] = [getattr(each, statistic) for each in layers]
    kind = _SPREADS.get(statistic, "units")
    lines = [
        Line(
            f"at the {moment}",
            style,
            [
                point_of(_place(layer), getattr(stage, moment), kind)
                for layer, stage in zip(layers, stages, strict=True)
            ],
        )
        for moment, style in (("start", "measured"), ("end", "later"))
    ]
    return [line for line in lines if _has_points(line)]


def _theory(result: Result, layers: Sequence[LayerStatistics]) -> list[Line]:
    if result.theory is None:
        return []
    gains = {each.path: each.backward_gain for each in result.theory.layers}
    points = [Point(_place(each), number(gains.get(each.path))) for each in layers]
    line = Line("theory", "theory", points)
    return [line] if _has_points(line) else []


def _has_points(line: Line) -> bool:
    return any(not math.isnan(point.y) for point in line.points)
