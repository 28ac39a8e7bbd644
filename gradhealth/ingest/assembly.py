"""Makes a trace of a table: names get their meaning, steps their order, gaps a mask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from ..documents.base import quoted
from ..schemas.trace import Context, IntArray, Series, Trace, TracedLayer
from .columns import Table
from .exceptions import IngestError
from .grid import common_steps, on_steps
from .layer_order import LayerOrder, order_as_given, order_layers
from .mapping import LogMapping
from .naming import OfLayer
from .selection import Selection, select
from .timeline import Timeline, Track

# Names of layers in a message.
MAX_LISTED = 10
APPROXIMATE = (
    "the exact norms of layers: they were computed from histograms, and are some "
    "percent off, or a third too large where single values are extreme"
)


@dataclass(frozen=True)
class Facts:
    """What is known about a log beside its numbers.

    Attributes:
        by_row: Whether a table's positions are rows, and one of its columns the steps.
        keeps_order: Whether layers stand in the model's order.
        hides: What the format cannot show.
        notes: What was repaired while reading.
        context: What goes into the trace's context as it is.
    """

    source_format: str
    by_row: bool
    keeps_order: bool
    hides: Sequence[str] = ()
    notes: Sequence[str] = ()
    context: Mapping[str, Any] = field(default_factory=dict)


def trace_of(
    run: str, table: Table, facts: Facts, mapping: LogMapping, max_cells: int
) -> Trace | None:
    """The trace of one run; None when nothing in it can be judged.

    Args:
        run: Its name.
        table: What was logged.
        facts: What the format knows.
        mapping: What the user knows.
        max_cells: Steps times columns; longer runs are thinned.

    Raises:
        IngestError: A column that counts holds something else than numbers.
    """
    selection = select(table, mapping)
    if selection.is_empty:
        return None
    timeline = Timeline.of(table, mapping.step, by_row=facts.by_row)
    columns = table.columns
    series = {s: timeline.track(columns[n]) for s, n in selection.series.items()}
    layers = {m: timeline.track(columns[n]) for m, n in selection.layers.items()}
    tracks = [*series.values(), *layers.values()]
    steps = common_steps(tracks, max_cells)
    order = _order([*layers], facts, mapping)
    others = {name: timeline.track(columns[name]) for name in selection.others}
    return Trace(
        run=run,
        layers=_named(order, mapping) if layers else None,
        steps=steps,
        series={name: on_steps(x, steps) for name, x in (series | others).items()},
        layer_series=_layer_series(layers, order, steps),
        context=Context(
            source_format=facts.source_format,
            layer_order=order.source,
            hides=[*facts.hides, *[APPROXIMATE] * _is_approximate(selection, table)],
            notes=[
                *facts.notes,
                *selection.notes,
                *timeline.notes,
                *_note_on_unused(layers, mapping),
                *_note_on_gaps(tracks, steps),
            ],
            **facts.context,
        ),
    )


def _order(layers: Sequence[OfLayer], facts: Facts, mapping: LogMapping) -> LayerOrder:
    names = tuple(dict.fromkeys(meaning.layer for meaning in layers))
    given = mapping.layers
    if set(given) & set(names):
        return order_as_given(names, given)
    if given and len(given) == len(names) and all(name.isdigit() for name in names):
        return LayerOrder(tuple(sorted(names, key=int)), "given")
    if given and names:
        listed = ", ".join(map(quoted, islice(names, MAX_LISTED)))
        raise IngestError(f"none of the given layers is in the log, which has {listed}")
    return order_layers(names, keeps_order=facts.keeps_order)


def _named(order: LayerOrder, mapping: LogMapping) -> tuple[TracedLayer, ...]:
    is_renamed = order.source == "given" and not set(mapping.layers) & set(order.names)
    paths = mapping.layers if is_renamed else map(_spoken, order.names)
    return tuple(TracedLayer(path=path) for path in paths)


def _spoken(name: str) -> str:
    return f"layer {name}" if name.isdigit() else name


def _layer_series(
    layers: Mapping[OfLayer, Track], order: LayerOrder, steps: IntArray
) -> dict[str, Series]:
    place_of = {name: place for place, name in enumerate(order.names)}
    shape = (len(steps), len(place_of))
    statistics = dict.fromkeys(meaning.statistic for meaning in layers)
    numbers = {name: np.zeros(shape) for name in statistics}
    missing = {name: np.ones(shape, bool) for name in statistics}
    for meaning, track in layers.items():
        values, place = on_steps(track, steps), place_of[meaning.layer]
        numbers[meaning.statistic][:, place] = values.data
        missing[meaning.statistic][:, place] = values.mask
    return {
        name: np.ma.masked_array(numbers[name], missing[name]) for name in statistics
    }


def _is_approximate(selection: Selection, table: Table) -> bool:
    return any(table.columns[n].is_approximate for n in selection.layers.values())


def _note_on_unused(layers: Mapping[OfLayer, Track], mapping: LogMapping) -> list[str]:
    if layers or not mapping.layers:
        return []
    listed = ", ".join(map(quoted, islice(mapping.layers, MAX_LISTED)))
    more = ", ..." if len(mapping.layers) > MAX_LISTED else ""
    return [f"nothing was logged by layer: the layers {listed}{more} are not used"]


def _note_on_gaps(tracks: Sequence[Track], steps: IntArray) -> list[str]:
    longest = max(len(track.steps) for track in tracks)
    if longest <= len(steps):
        return []
    kept = f"{len(steps):,} steps were kept, and what was not finite between them"
    return [f"a long run: {kept}"]
