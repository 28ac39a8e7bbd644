"""Traces as logs give them: a healthy run unless a test says otherwise."""

import numpy as np

from gradhealth.schemas.trace import Context, Trace, TracedLayer

NUM_STEPS = 400
NAN = float("nan")


def a_log(
    *,
    loss="falls",
    grad_norm="steady",
    layer_norms=None,
    steps=None,
    seed=0,
    num_steps=NUM_STEPS,
    layers=None,
    layer_series=None,
    series=None,
    **context,
):
    """One run. `loss` and `grad_norm` are numbers, or None for "not logged"."""
    chance = np.random.default_rng(seed)
    columns = dict(series or {})
    if loss is not None:
        columns["loss"] = (
            falling(chance, num_steps=num_steps) if isinstance(loss, str) else loss
        )
    if grad_norm is not None:
        columns["grad_norm"] = (
            steady(chance, num_steps=num_steps)
            if isinstance(grad_norm, str)
            else grad_norm
        )
    tables = dict(layer_series or {})
    if layer_norms is not None:
        tables["grad_norm"] = layer_norms
    length = max(
        [len(x) for x in [*columns.values(), *tables.values()] if x is not None],
        default=0,
    )
    width = next((np.shape(table)[1] for table in tables.values()), 0)
    if layers is None and width:
        layers = tuple(TracedLayer(path=f"layers.{i}") for i in range(width))
    return Trace(
        run="a log",
        layers=layers,
        steps=np.arange(length) if steps is None else np.asarray(steps),
        series={name: _masked(x) for name, x in columns.items()},
        layer_series={name: _masked(x) for name, x in tables.items()},
        context=Context(source_format="test", **context),
    )


def falling(chance, start=2.3, end=0.2, num_steps=NUM_STEPS, noise=0.03):
    """A loss that decays exponentially to its end."""
    time = np.linspace(0, 6, num_steps)
    curve = end + (start - end) * np.exp(-time)
    return curve * (1 + noise * chance.standard_normal(num_steps))


def steady(chance, level=1.0, num_steps=NUM_STEPS, decades=0.1):
    """Norms around a level."""
    return level * 10 ** (decades * chance.standard_normal(num_steps))


def by_depth(chance, factor, num_layers=6, num_steps=NUM_STEPS, decades=0.1):
    """[T, L] norms of which each layer has `factor` times those of the next."""
    depths = np.arange(num_layers - 1, -1, -1)
    noise = decades * chance.standard_normal((num_steps, num_layers))
    return factor**depths * 10**noise


def _masked(values):
    """None stands for what was not logged."""
    table = np.array([[NAN if x is None else x for x in np.ravel(values)]], float)
    missing = np.array([x is None for x in np.ravel(values)])
    shape = np.shape(values)
    return np.ma.masked_array(table.reshape(shape), missing.reshape(shape))
