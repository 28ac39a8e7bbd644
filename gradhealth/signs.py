"""The signs that users know, stated for every run whether it is healthy or not.

A sign is a number with its words: "the first third of the layers changes by 1e-9 of
what the last third does". Whether it is a problem is for the detectors to say.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .schemas.sign import Sign
from .schemas.trace import NonFinite
from .statistics import FloatArray, Statistics

# Less than a third of the layers is a part of the network one can speak of.
MIN_LAYERS = 3
# Below the rounding of float64 nothing changes: it counts as this.
LEAST_CHANGE = 1e-16
# Weights that keep more of their norm than this do not shrink.
KEPT_NORM = 0.9
# The loss is flat when it falls by less than this share of the way to the floor ...
PLATEAU_SHARE = 0.03
# ... and that is early when less was learned, in less than this part of the run.
SOLVED, EARLY = 0.9, 0.75
SMOOTHING_SHARE = 0.05
# A layer that passes on less than this, and this much less than its neighbours do.
BROKEN_DECADES, LONE_DECADES = -2.0, -1.5
# Shares of a layer worth speaking of.
DEAD_SHARE, SATURATED_SHARE = 0.3, 0.25

_PLACES = {
    "data": "in the data",
    "activation": "on the way forward, in the output",
    "loss": "on the way forward, in the loss",
    "gradient": "on the way backward, in the gradient",
    "weight": "in the weights",
}


def signs_of(statistics: Statistics) -> list[Sign]:
    """Every sign for which something was measured, in the order of `SignName`."""
    return [sign for read in _READERS if (sign := read(statistics)) is not None]


def _change_by_depth(statistics: Statistics) -> Sign | None:
    """Geometric mean of update/weight over the first and the last third of layers."""
    ratios = statistics.middle("update_ratio")
    if np.isnan(ratios).all():
        ratios = statistics.at_start("update_ratio")
    columns = np.flatnonzero(~np.isnan(ratios).any(axis=0))
    third = len(columns) // MIN_LAYERS
    if not third:
        return None
    logs = np.log10(np.clip(ratios[:, columns], LEAST_CHANGE, 1 / LEAST_CHANGE))
    decades = float((logs[:, :third].mean(1) - logs[:, -third:].mean(1)).mean())
    return Sign(
        name="change_by_depth",
        text=f"{_first_of(third, len(columns))} {_times(decades)} as much a step as "
        f"the last{_more_than_one(third)}, relative to their weights.",
        value=10.0**decades,
        unit="early / late update-to-weight ratio",
        layers=_paths(statistics, columns[:third]),
    )


def _first_of(num_early: int, num_layers: int) -> str:
    change = "changes" if num_early == 1 else "change"
    early = f"The first{_more_than_one(num_early)}"
    return f"{early} of {num_layers} layers with weights {change}"


def _more_than_one(number: int) -> str:
    return "" if number == 1 else f" {number}"


def _shrinking_weights(statistics: Statistics) -> Sign | None:
    ratios = statistics.weight_ratio
    known = np.flatnonzero(np.isfinite(ratios).all(axis=0))
    if not len(known):
        return None
    means = ratios[:, known].mean(axis=0)
    smallest = float(means.min())
    if smallest >= KEPT_NORM:
        return None
    shrunk = known[means < KEPT_NORM]
    return Sign(
        name="shrinking_weights",
        text=f"The weights of {len(shrunk)} of {len(known)} layers shrink; the "
        f"smallest ends at {smallest:.2g} of the norm it started with.",
        value=smallest,
        unit="norm at the end / start",
        layers=_paths(statistics, shrunk),
    )


def _early_plateau(statistics: Statistics) -> Sign | None:
    found = [_plateau(losses, scale) for losses, scale in _curves(statistics)]
    if not found or None in found:
        return None
    progress = float(np.nanmean(statistics.progress))
    step = round(float(np.mean([step for step in found if step is not None])))
    if step > EARLY * statistics.num_steps or progress >= SOLVED:
        return None
    return Sign(
        name="early_plateau",
        text=f"The loss stops falling at step {step} of {statistics.num_steps}, where "
        f"{max(0.0, progress):.0%} of what can be learned has been learned.",
        value=progress,
        unit="progress",
        step=step,
    )


def _curves(statistics: Statistics) -> Iterator[tuple[FloatArray, float]]:
    """Losses of each finite run, and how far they could fall."""
    for trace in statistics.traces:
        trivial, floor = trace.context.trivial_loss, trace.context.loss_floor or 0.0
        losses = trace.series.get("loss")
        if trivial is None or losses is None or trace.context.non_finite is not None:
            continue
        known = losses.data[~np.ma.getmaskarray(losses)]
        if len(known) and trivial > floor:
            yield known, trivial - floor


def _plateau(losses: FloatArray, scale: float) -> int | None:
    """The step after which the smoothed loss falls no more; null while it still falls.

    Smoothing over 5 % of the steps hides the noise of single batches.
    """
    width = max(3, round(SMOOTHING_SHARE * len(losses)))
    if len(losses) < 2 * width:
        return None
    smooth = np.convolve(losses, np.ones(width) / width, "valid")
    last = smooth[-1]
    above = np.flatnonzero(smooth > last + PLATEAU_SHARE * scale)
    first = int(above[-1]) + 1 if len(above) else 0
    return first if first < len(smooth) - width else None


def _memory_horizon(statistics: Statistics) -> Sign | None:
    horizon = statistics.memory_horizon
    if horizon is None:
        return None
    lag = statistics.context.lag
    task = "" if lag is None else f"; the task needs {lag}"
    if math.isinf(horizon):
        known = statistics.temporal_gains
        longest = max(map(len, known))
        left = float(np.median([gain[-1] / gain[0] for gain in known]))
        text = (
            f"More than 1 % of the gradient is left after {longest} steps in time"
            if left <= 1
            else f"The gradient has grown {left:.2g}-fold after {longest} steps back "
            "in time"
        )
    else:
        text = f"1 % of the gradient is left after {horizon:.0f} steps back in time"
    return Sign(
        name="memory_horizon",
        text=f"{text}{task}.",
        value=horizon,
        unit="time steps",
    )


def _broken_chain(statistics: Statistics) -> Sign | None:
    gains = statistics.log10_gain
    # The median: a layer that is dead in one seed alone has no factor to speak of.
    steps = np.median(gains[:, :-1] - gains[:, 1:], axis=0)
    if len(steps) < MIN_LAYERS:
        return None
    worst = int(steps.argmin())
    others = np.delete(steps, worst)
    if not (
        steps[worst] < BROKEN_DECADES
        and steps[worst] - float(np.median(others)) < LONE_DECADES
    ):
        return None
    layer = statistics.stations[worst + 1].path
    return Sign(
        name="broken_chain",
        text=f"One layer breaks the chain: {layer} alone passes on "
        f"{10.0 ** steps[worst]:.2g} of the gradient.",
        value=10.0 ** float(steps[worst]),
        unit="backward factor",
        layers=[layer],
    )


def _dead_units(statistics: Statistics) -> Sign | None:
    return _shares(
        statistics,
        "dead_fraction",
        DEAD_SHARE,
        "dead_units",
        "of the units are 0 for every sample",
    )


def _saturated_units(statistics: Statistics) -> Sign | None:
    return _shares(
        statistics,
        "saturated_fraction",
        SATURATED_SHARE,
        "saturated_units",
        "of the activations lie on a flat part",
    )


def _shares(
    statistics: Statistics,
    series: str,
    limit: float,
    name: str,
    words: str,
) -> Sign | None:
    ends = statistics.at_end(series)
    known = np.flatnonzero(~np.isnan(ends).all(axis=0))
    if not len(known):
        return None
    means = np.nanmean(ends[:, known], axis=0)
    worst = int(means.argmax())
    if means[worst] < limit:
        return None
    path = statistics.layers[known[worst]].path
    return Sign.model_validate(
        {
            "name": name,
            "text": f"In {path}, {means[worst]:.0%} {words} at the end; the layers "
            f"above {limit:.0%} are {int((means >= limit).sum())} of {len(known)}.",
            "value": float(means[worst]),
            "unit": "share of the layer",
            "layers": _paths(statistics, known[means >= limit]),
        }
    )


def _first_non_finite(statistics: Statistics) -> Sign | None:
    found = [
        place
        for trace in statistics.traces
        if (place := trace.context.non_finite) is not None
    ]
    if not found:
        return None
    first: NonFinite = min(found, key=lambda place: place.step)
    where = _PLACES[first.where] + (f" of {first.layer}" if first.layer else "")
    return Sign(
        name="first_non_finite",
        text=f"NaN or an infinity first appears {where}, at step {first.step}, in "
        f"{len(found)} of {statistics.num_seeds} runs.",
        value=len(found) / statistics.num_seeds,
        unit="share of the runs",
        layers=[first.layer] if first.layer else [],
        step=first.step,
    )


_READERS: Sequence[Callable[[Statistics], Sign | None]] = (
    _change_by_depth,
    _shrinking_weights,
    _early_plateau,
    _memory_horizon,
    _broken_chain,
    _dead_units,
    _saturated_units,
    _first_non_finite,
)


def _paths(statistics: Statistics, columns: NDArray[np.int64]) -> list[str]:
    return [statistics.layers[column].path for column in columns]


def _times(decades: float) -> str:
    return f"{10.0**decades:.2g} times"
