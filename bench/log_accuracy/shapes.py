"""Curves that logs are made of."""

import numpy as np

from gradhealth.schemas.trace import Context, Trace, TracedLayer


def log(  # noqa: PLR0913 -- what families vary
    loss=None, norm=None, *, layers=None, tables=None, start=0, every=1, **more
):
    """A trace; `more` holds further series (arrays) and parts of the context."""
    series = {k: v for k, v in more.items() if isinstance(v, np.ndarray)}
    context = {k: v for k, v in more.items() if k not in series}
    if loss is not None:
        series["loss"] = loss
    if norm is not None:
        series["grad_norm"] = norm
    tables = tables or {}
    length = max(len(x) for x in [*series.values(), *tables.values()])
    width = next((x.shape[1] for x in tables.values()), 0)
    names = layers or [f"layers.{i}.weight" for i in range(width)]
    return Trace(
        run="made",
        layers=tuple(TracedLayer(path=name) for name in names) if width else None,
        steps=start + every * np.arange(1, length + 1),
        series={k: np.ma.masked_array(v) for k, v in series.items()},
        layer_series={k: np.ma.masked_array(v) for k, v in tables.items()},
        context=Context(source_format="made", **context),
    )


def between(chance, low, high):
    """A number, evenly drawn by its logarithm."""
    return float(np.exp(chance.uniform(np.log(low), np.log(high))))


def length(chance, low=150, high=3000):
    return int(between(chance, low, high))


def noisy(chance, curve, share):
    """With a share of multiplicative noise."""
    return curve * np.exp(share * chance.standard_normal(len(curve)))


def decay(chance, num, start, end, power=None):
    """From start to end, exponentially or as a power of the step."""
    if power is None:
        rate = between(chance, 3, 20)
        shape = np.exp(-rate * np.linspace(0, 1, num))
    else:
        shape = np.linspace(1, num, num) ** -power
    shape = (shape - shape[-1]) / (shape[0] - shape[-1])
    return end + (start - end) * shape


def norms(chance, num, level=None, decades=None, *, startup=True):
    """Norms around a level, larger in the first steps."""
    level = between(chance, 0.05, 5) if level is None else level
    decades = chance.uniform(0.03, 0.2) if decades is None else decades
    curve = np.full(num, level)
    if startup:
        curve = curve * (1 + between(chance, 2, 40) * np.exp(-np.arange(num) / 5))
    return curve * 10 ** (decades * chance.standard_normal(num))


def warmup_cosine(num, top, warm=0.05):
    time = np.arange(num) / num
    return top * np.where(
        time < warm, time / warm, 0.5 * (1 + np.cos(np.pi * (time - warm) / (1 - warm)))
    )


def wander(chance, num, size, speed=50):
    """Slow ups and downs without a trend."""
    steps = chance.standard_normal(num + 5 * speed)
    kernel = np.exp(-np.arange(5 * speed) / speed)
    smooth = np.convolve(steps, kernel, "valid")[:num]
    return size * smooth / smooth.std()


def depth_norms(chance, num, num_layers, factor, jitter=0.1):
    """[T, L] each layer has `factor` times the norm of the next."""
    total = norms(chance, num)
    own = 10 ** (jitter * chance.standard_normal(num_layers))
    profile = factor ** np.arange(num_layers - 1, -1, -1) * own
    noise = 10 ** (0.1 * chance.standard_normal((num, num_layers)))
    return total[:, None] * profile * noise
