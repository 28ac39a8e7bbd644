"""Logs of runs that went wrong, and the problems that an expert would name."""

import numpy as np

from .shapes import between, decay, depth_norms, length, log, noisy, norms, wander

CHANCES = np.log([2, 3, 5, 10, 20, 100, 1000])


def chance_level(c, n):
    """A loss that never leaves that of a constant prediction."""
    level = c.choice(CHANCES)
    start = level * c.uniform(1.0, 1.3)
    loss = level + (start - level) * np.exp(-np.arange(n) / (0.02 * n))
    return noisy(c, loss, between(c, 0.0005, 0.01))


def layers_that_vanish(c):
    """vanishing_gradient"""
    n, depth = length(c, 60, 600), c.integers(3, 9)
    tables = {"grad_norm": depth_norms(c, n, depth, c.uniform(0.1, 0.29), 0.1)}
    kind = c.integers(3)
    if kind == 0:
        return log(tables=tables)
    learned = noisy(c, decay(c, n, 2.3, 0.5), 0.05)
    return log(learned if kind == 1 else chance_level(c, n), tables=tables)


def many_layers_that_vanish(c):
    """vanishing_gradient"""
    n, depth = length(c, 60, 300), c.integers(12, 60)
    factor = 10 ** (-c.uniform(4, 12) / depth)
    tables = {"grad_norm": depth_norms(c, n, depth, factor, 0.15)}
    return log(chance_level(c, n), tables=tables)


def gains_that_vanish(c):
    """vanishing_gradient"""
    n, depth = length(c, 100, 400), c.integers(6, 30)
    gains = 10.0 ** (-c.uniform(4, 12) * np.linspace(1, 0, depth))
    table = np.tile(gains, (n, 1)) * 10 ** (0.05 * c.standard_normal((n, depth)))
    return log(chance_level(c, n), norms(c, n), tables={"backward_gain": table})


def layers_that_explode(c):
    """exploding_gradient"""
    n, depth = length(c, 60, 300), c.integers(8, 40)
    factor = 10 ** (c.uniform(3.5, 8) / depth)
    tables = {"grad_norm": depth_norms(c, n, depth, factor, 0.1)}
    loss = noisy(c, np.full(n, 2.3), 0.3) + np.abs(wander(c, n, 1.0, 10))
    return log(loss, tables=tables)


def blown_up(c):
    """exploding_gradient non_finite divergence"""
    n = length(c, 20, 200)
    rate = c.uniform(5, 60) / n
    norm = (
        between(c, 0.5, 5)
        * np.exp(rate * np.arange(n))
        * 10 ** (0.1 * c.standard_normal(n))
    )
    loss = 2.3 + 0.01 * norm
    end = n - c.integers(3, max(4, n // 5))
    norm[end:], loss[end:] = np.nan, np.nan
    return log(loss, norm)


def diverged(c):
    """divergence exploding_gradient"""
    n = length(c, 150, 3000)
    at = int(n * c.uniform(0.2, 0.8))
    loss = decay(c, n, 10, 3)
    top = loss[at] + c.uniform(0.5, 1.2) * (10 - loss[at])
    loss[at:] = top + (loss[at] - top) * np.exp(-np.arange(n - at) / (0.02 * n))
    norm = norms(c, n)
    norm[at:] *= between(c, 1, 100)
    return log(noisy(c, loss, 0.02), norm if c.random() < 0.7 else None)


def rising_from_the_start(c):
    """divergence exploding_gradient"""
    n = length(c, 40, 1000)
    loss = 2.3 * np.exp(c.uniform(1, 6) * np.linspace(0, 1, n))
    return log(noisy(c, loss, 0.1), norms(c, n) * loss)


def at_chance(c):
    """stalled_training"""
    n = length(c, 60, 2000)
    return log(chance_level(c, n), norms(c, n, between(c, 1e-3, 1)))


def at_the_given_chance(c):
    """stalled_training"""
    n = length(c, 60, 2000)
    level = between(c, 0.1, 50)
    loss = noisy(c, np.full(n, level), c.uniform(0.02, 0.15))
    return log(loss, norms(c, n), trivial_loss=level)


def frozen(c):
    """stalled_training"""
    n = length(c, 60, 800)
    at = int(n * c.uniform(0.0, 0.7))
    loss = noisy(c, decay(c, n, 2.3, 1.5), 0.02)
    loss[at:] = loss[at]
    return log(loss, norms(c, n))


def died(c):
    """non_finite"""
    n = length(c, 60, 2000)
    at = int(n * c.uniform(0.1, 0.95))
    loss, norm = noisy(c, decay(c, n, 5, 2), 0.03), norms(c, n)
    loss[at:], norm[at:] = np.nan, np.nan
    return log(loss, norm)


def died_in_a_logger_that_leaves_nan_out(c):
    """non_finite"""
    n = length(c, 60, 2000)
    at = int(n * c.uniform(0.1, 0.9))
    loss, norm = noisy(c, decay(c, n, 5, 2), 0.03), norms(c, n)
    loss[at:] = 0.0
    if c.random() < 0.3:
        return log(loss)
    norm[at:] = np.nan
    return log(loss, norm)


def norms_that_climb_beside_a_flat_loss(c):
    """gradient_growth stalled_training exploding_gradient"""
    n = length(c, 200, 3000)
    loss = noisy(c, decay(c, n, 10, 6), 0.01)
    at = int(n * c.uniform(0.15, 0.4))
    loss[at:] = noisy(c, np.full(n - at, loss[at - 1]), 0.01)
    climb = np.clip(np.linspace(-at / (n - at), 1, n), 0, None) ** c.uniform(0.5, 1)
    return log(loss, norms(c, n, 0.3) * 10 ** (c.uniform(1.2, 2.8) * climb))


def cut_at_every_step(c):
    """clipping_always_on"""
    n = length(c, 60, 2000)
    loss = noisy(c, decay(c, n, 5, 2), 0.05)
    level = between(c, 20, 1000)
    if c.random() < 0.5:
        return log(loss, norms(c, n, level), clip_max_norm=1.0, clip_measured="pre")
    flags = np.ones(n)
    return log(loss, norms(c, n, level), clipped=flags, clip_max_norm=1.0)


def next_to_nothing(c):
    """vanishing_gradient stalled_training"""
    n = length(c, 60, 1000)
    return log(chance_level(c, n), norms(c, n, between(c, 1e-14, 1e-8), startup=False))


def storms_of_skipped_steps(c):
    """non_finite"""
    n = length(c, 100, 2000)
    norm = norms(c, n)
    norm[c.random(n) < c.uniform(0.1, 0.4)] = np.inf
    norm[-4:] = 1.0
    return log(noisy(c, decay(c, n, 5, 2), 0.03), norm)


def dead_units(c):
    """dead_relu"""
    n, depth = length(c, 60, 400), c.integers(3, 10)
    shares = np.clip(np.linspace(0.4, c.uniform(0.95, 1.3), depth), 0, 1)
    table = np.tile(shares, (n, 1))
    return log(chance_level(c, n), norms(c, n), tables={"dead_fraction": table})


def shrunk_weights(c):
    """weight_collapse"""
    n, depth = length(c, 60, 400), c.integers(3, 8)
    table = (
        10 * np.exp(-c.uniform(3, 10) * np.linspace(0, 1, n))[:, None] * np.ones(depth)
    )
    return log(chance_level(c, n), norms(c, n), tables={"weight_norm": table})


def norms_alone_that_explode(c):
    """exploding_gradient"""
    n = length(c, 60, 1000)
    at = int(n * c.uniform(0.3, 0.7))
    climb = np.clip(np.arange(n) - at, 0, None) / (n - at)
    return log(None, norms(c, n) * 10 ** (c.uniform(3.5, 8) * climb))
