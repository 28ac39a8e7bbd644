"""Which figures a result gives, each only where something was measured."""

from collections.abc import Iterator

from ...schemas.analysis import Result
from . import by_layer, by_step
from .chart import Chart
from .heat_map import HeatMap

_CHARTS = (
    by_layer.update_ratio,
    by_layer.forward_signal,
    by_step.temporal_gain,
    by_layer.dead_units,
    by_layer.saturated_units,
    by_step.gradient_norm,
    by_step.loss,
)


def figures_of(result: Result) -> Iterator[Chart | HeatMap]:
    """The figures in the order in which a diagnosis reads them."""
    drawings = [by_layer.backward_gain(result), gradient_norms(result)]
    drawings += [draw(result) for draw in _CHARTS]
    return (drawing for drawing in drawings if drawing)


def gradient_norms(result: Result) -> HeatMap | None:
    """The norm of every layer's gradient at every step."""
    table = result.layer_curves.get("grad_norm")
    if table is None or not table.steps or not table.layers:
        return None
    known = {layer.path: layer for layer in result.layers}
    numbers = [
        known[path].depth + 1 if path in known else row
        for row, path in enumerate(table.layers, start=1)
    ]
    names = [
        f"{number} · {path}" + (f" · {known[path].type}" if path in known else "")
        for number, path in zip(numbers, table.layers, strict=True)
    ]
    return HeatMap(
        title="Gradient norm by layer and step",
        description="Each row is a layer, the input on top; each column is a step of "
        "the training. Dark is small, bright is large.",
        value_label="gradient norm",
        steps=table.steps,
        layers=names,
        numbers=numbers,
        values=table.mean,
    )
