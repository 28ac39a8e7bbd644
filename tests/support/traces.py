"""Traces as a probed run leaves them: healthy unless a test says otherwise."""

import numpy as np

from gradhealth.schemas.trace import Context, Trace, TracedLayer

NUM_STEPS, NUM_STATIONS = 100, 6


def layers():
    """Six Linear layers, each followed by its activation."""
    return tuple(
        TracedLayer(path=f"model.{2 * i + j}", type=kind)
        for i in range(NUM_STATIONS)
        for j, kind in enumerate(("Linear", "ReLU"))
    )


def trace(
    *,
    seed=0,
    decades_per_layer=0.0,
    decades_at_end=None,
    progress=0.95,
    num_steps=NUM_STEPS,
    dead=0.1,
    active=0.5,
    saturated=None,
    weight_ratio=1.0,
    update_ratio=1e-3,
    first_update=None,
    losses=None,
    temporal=None,
    **context,
):
    """One run; by default every gradient arrives and the loss comes down.

    `decades_per_layer` is log10 of the backward factor, `decades_at_end` what becomes
    of it; `temporal` is the factor by which a gradient changes at each step back in
    time.
    """
    known = {"trivial_loss": 1.0, "loss_floor": 0.0, "seed": seed, "input_rms": 1.0}
    rows = num_steps + 1
    table = _Tables(rows)
    jitter = 0.02 * np.random.default_rng(seed).standard_normal()
    back = np.arange(NUM_STATIONS - 1, -1, -1)
    at_end = decades_per_layer if decades_at_end is None else decades_at_end
    for row, decades in ((0, decades_per_layer), (rows - 1, at_end)):
        gains = 10.0 ** (back * decades + jitter * (back > 0))
        table.put("backward_gain", row, "Linear", gains)
        table.put("forward_std", row, "Linear", 1.0)
        table.put("dead_fraction", row, "ReLU", dead)
        table.put("active_fraction", row, "ReLU", active)
        if saturated is not None:
            table.put("saturated_fraction", row, "ReLU", saturated)
    table.put("weight_norm", 0, "Linear", 10.0)
    table.put("weight_norm", rows - 1, "Linear", 10.0 * weight_ratio)
    table.put("update_ratio", num_steps // 2, "Linear", update_ratio)
    table.put("update_ratio", 0, "Linear", first_update or update_ratio)
    if losses is None:
        falling = np.linspace(1.0, 1.0 - progress, num_steps // 2)
        losses = [*falling, *[1.0 - progress] * (num_steps - len(falling))]
    loss = np.ma.masked_array(np.zeros(rows), np.ones(rows, bool))
    loss[: len(losses)] = losses
    lags = np.arange(1, 41) if temporal is not None else np.zeros(0, int)
    return Trace(
        run=f"seed {seed}",
        layers=layers(),
        steps=np.arange(rows),
        series={"loss": loss},
        layer_series=table.series,
        context=Context(**(known | context)),
        lags=lags,
        lag_series={}
        if temporal is None
        else {"temporal_gain": np.ma.masked_array(float(temporal) ** (lags - 1))},
    )


def traces(num_seeds=3, **how):
    """The same run at several seeds."""
    return [trace(seed=seed, **how) for seed in range(num_seeds)]


def empty_trace():
    """A log in which nothing was logged."""
    return Trace(
        run="empty", layers=None, steps=np.zeros(0, int), series={}, layer_series={}
    )


class _Tables:
    def __init__(self, num_rows):
        self._types = [layer.type for layer in layers()]
        self._shape = (num_rows, len(self._types))
        self.series = {}

    def put(self, name, row, kind, values):
        if name not in self.series:
            nothing = np.ones(self._shape, bool)
            self.series[name] = np.ma.masked_array(np.zeros(self._shape), nothing)
        columns = [i for i, type_ in enumerate(self._types) if type_ == kind]
        self.series[name][row, columns] = values
