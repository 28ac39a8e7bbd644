"""Logs of runs that are well, of as many shapes as runs have."""

import numpy as np

from .shapes import (
    between,
    decay,
    depth_norms,
    length,
    log,
    noisy,
    norms,
    wander,
    warmup_cosine,
)


def classifier(c):
    n = length(c)
    loss = noisy(
        c, decay(c, n, between(c, 1, 7), between(c, 1e-3, 0.8)), c.uniform(0.01, 0.15)
    )
    return log(loss, norms(c, n))


def pretraining(c):
    n = length(c, 300, 5000)
    loss = noisy(
        c,
        decay(c, n, c.uniform(10, 12), c.uniform(2.3, 4.5), power=c.uniform(0.2, 0.6)),
        0.01,
    )
    norm = norms(c, n, between(c, 0.2, 2)) * 10 ** wander(c, n, 0.1, n // 10)
    return log(loss, norm, lr=warmup_cosine(n, 3e-4))


def slowly_growing_norms(c):
    n = length(c, 500, 4000)
    loss = noisy(c, decay(c, n, 11, c.uniform(2.3, 4), power=0.3), 0.01)
    growth = np.linspace(0, np.log10(c.uniform(2, 5)), n)
    return log(loss, norms(c, n, 0.3) * 10**growth)


def recovered_spikes(c):
    n = length(c, 200, 3000)
    loss = noisy(c, decay(c, n, 10, 3), 0.02)
    norm = norms(c, n)
    for _ in range(c.integers(1, 6)):
        at = c.integers(n // 10, n - 10)
        width = c.integers(1, max(2, n // 100))
        norm[at : at + width] *= between(c, 10, 1000)
        loss[at : at + width] *= c.uniform(1, 2.5)
    return log(loss, norm)


def tiny_losses(c):
    n = length(c)
    loss = noisy(
        c,
        decay(c, n, between(c, 0.005, 0.1), between(c, 1e-4, 3e-3)),
        c.uniform(0.1, 0.6),
    )
    return log(loss, norms(c, n, between(c, 0.01, 1), 0.3))


def fine_tuning(c):
    n = length(c, 60, 2000)
    loss = noisy(
        c, decay(c, n, c.uniform(1, 2.5), c.uniform(0.7, 0.95)), c.uniform(0.02, 0.15)
    )
    return log(loss, norms(c, n, between(c, 0.2, 5)), every=10)


def fine_tuning_on_a_plateau(c):
    n = length(c, 60, 1500)
    loss = noisy(c, np.full(n, c.uniform(0.8, 2.6)), c.uniform(0.03, 0.2))
    return log(loss, norms(c, n, between(c, 0.2, 5), startup=False), every=10)


def resumed(c):
    n = length(c, 100, 2000)
    start = c.uniform(2.2, 3.2)
    loss = noisy(
        c, np.linspace(start, start * c.uniform(0.98, 1.0), n), c.uniform(0.003, 0.02)
    )
    return log(loss, norms(c, n, 0.3, startup=False), start=30_000, every=10)


def game(c):
    n = length(c, 300, 4000)
    d = np.abs(0.7 + wander(c, n, c.uniform(0.1, 0.4), n // 15)) * np.exp(
        0.1 * c.standard_normal(n)
    )
    g = np.abs(1.5 + wander(c, n, c.uniform(0.3, 0.8), n // 15))
    return log(d + g, norms(c, n, 1, 0.3), d_loss=d, g_loss=g)


def game_without_names(c):
    n = length(c, 300, 4000)
    loss = np.abs(1.4 + wander(c, n, c.uniform(0.15, 0.5), n // 20)) + 0.05
    return log(noisy(c, loss, 0.05), norms(c, n, 1, 0.3))


def policy_gradient(c):
    n = length(c, 200, 4000)
    loss = between(c, 0.001, 0.1) * c.standard_normal(n) + wander(c, n, 0.002)
    reward = decay(c, n, 0, c.uniform(1, 100)) + c.standard_normal(n)
    return log(loss, norms(c, n, 0.5, 0.5), **{"rollout/ep_reward_mean": reward})


def policy_gradient_without_reward(c):
    n = length(c, 200, 4000)
    return log(between(c, 0.001, 0.1) * c.standard_normal(n), norms(c, n, 0.5, 0.5))


def group_policy(c):
    n = length(c, 60, 1500)
    rise = np.linspace(0, between(c, 0.001, 0.05), n)
    loss = np.round(np.maximum(0, rise * np.exp(0.3 * c.standard_normal(n))), 4)
    loss[0] = 0
    more = (
        {"reward": wander(c, n, 0.1) + np.linspace(0, 1, n)} if c.random() < 0.7 else {}
    )
    return log(loss, norms(c, n, 0.3), **more)


def value_loss_that_grows_with_the_reward(c):
    n = length(c, 300, 3000)
    reward = decay(c, n, 1, c.uniform(20, 200)) + c.standard_normal(n)
    loss = noisy(c, 0.01 * np.maximum(reward, 1) ** 1.2, 0.3)
    return log(loss, norms(c, n, 1, 0.4), **{"train/reward": reward})


def epochs_in_a_saw(c):
    epochs, per = c.integers(2, 6), length(c, 50, 400)
    level = c.uniform(1.5, 2.5)
    parts = [
        level * c.uniform(0.6, 0.85) ** e * np.linspace(1, c.uniform(0.95, 1.06), per)
        for e in range(epochs)
    ]
    norm = norms(c, epochs * per, 1) * np.repeat(
        np.linspace(1, c.uniform(1, 5), epochs), per
    )
    return log(noisy(c, np.concatenate(parts), 0.05), norm)


def small_batches(c):
    n = length(c, 400, 5000)
    loss = decay(c, n, c.uniform(1, 3), c.uniform(0.1, 0.5)) * c.gamma(
        c.uniform(1.5, 6), 1, n
    )
    return log(loss / 3, norms(c, n, 2, c.uniform(0.2, 0.5)))


def warm_restarts(c):
    cycles, per = c.integers(2, 6), length(c, 60, 400)
    floors = c.uniform(1.5, 2) * 0.85 ** np.arange(cycles)
    ups = [5.0, *(floors[:-1] * c.uniform(1.05, 1.25))]
    loss = np.concatenate(
        [decay(c, per, u, f) for u, f in zip(ups, floors, strict=True)]
    )
    lr = np.tile(warmup_cosine(per, 1e-3, 0.01), cycles)
    cut = len(loss) - c.integers(0, per // 2)
    return log(noisy(c, loss, 0.03)[:cut], norms(c, len(loss))[:cut], lr=lr[:cut])


def converged(c):
    n = length(c)
    fall = decay(c, n, 0, -c.uniform(3, 8))
    return log(noisy(c, 2.3 * 10**fall, 0.1), norms(c, n) * 10 ** (0.6 * fall))


def learned_by_heart(c):
    n = length(c, 400, 4000)
    loss = noisy(c, decay(c, n, 2, 1e-4), 0.5)
    norm = norms(c, n, 1, 0.5) * 10 ** np.linspace(0, -1, n)
    late = slice(n // 2, None)
    norm[late] *= np.where(c.random(n - n // 2) < 0.01, between(c, 10, 200), 1)
    return log(loss, norm)


def heavy_tails(c):
    n = length(c, 200, 3000)
    norm = 10 ** (0.15 * c.standard_t(3, n))
    return log(noisy(c, decay(c, n, 3, 1), 0.05), norm)


def skipped_steps(c):
    n = length(c, 300, 3000)
    norm = norms(c, n)
    norm[c.integers(0, 6, c.integers(1, 4))] = np.inf
    for _ in range(1 + n // 1000):
        norm[c.integers(10, n - 5)] = c.choice([np.inf, np.nan])
    loss = noisy(c, decay(c, n, 9, 3), 0.02)
    more = {"loss_scale": np.full(n, 65536.0)} if c.random() < 0.5 else {}
    return log(loss, norm, **more)


def scaled(c):
    n = length(c)
    loss = noisy(c, decay(c, n, c.uniform(1, 10), 0.5), 0.05)
    return log(loss, norms(c, n, between(c, 3e4, 1e6), 0.1))


def summed(c):
    n = length(c)
    start = between(c, 1e3, 1e6)
    return log(
        noisy(c, decay(c, n, start, start / 10), 0.05),
        norms(c, n, start / between(c, 0.1, 10)),
    )


def few_epochs(c):
    n = c.integers(12, 60)
    return log(noisy(c, decay(c, n, c.uniform(0.5, 2.3), c.uniform(0.01, 0.3)), 0.03))


def rare_rows(c):
    n = c.integers(12, 30)
    loss = noisy(c, decay(c, n, c.uniform(1.5, 8), c.uniform(0.5, 1.2)), 0.03)
    return log(loss, norms(c, n, 1, 0.2, startup=False), every=500)


def deep_layers(c):
    n, depth = length(c, 60, 400), c.integers(3, 40)
    low = max(0.55, 10 ** (-2 / depth))
    tables = {
        "grad_norm": depth_norms(
            c, n, depth, c.uniform(low, 1.25 if depth < 20 else 1.05), 0.2
        )
    }
    return log(noisy(c, decay(c, n, 2.3, 0.3), 0.05), tables=tables)


def layers_of_any_size(c):
    n, depth = length(c, 60, 400), c.integers(3, 9)
    own = 10 ** (0.5 * c.standard_normal(depth))
    tables = {"grad_norm": depth_norms(c, n, depth, 1.0, 0) * own}
    return log(noisy(c, decay(c, n, 2.3, 0.3), 0.05), tables=tables)


def transformer_layers(c):
    n, depth = length(c, 60, 300), c.integers(4, 16)
    parts = (
        "ln_1.weight",
        "attn.qkv.weight",
        "attn.proj.weight",
        "mlp.fc.weight",
        "mlp.fc.bias",
    )
    names = [
        "wte.weight",
        *(f"h.{i}.{p}" for i in range(depth) for p in parts),
        "lm_head.weight",
    ]
    scale = {p: between(c, 0.01, 1) for p in parts}
    sizes = [
        between(c, 0.001, 10),
        *(scale[p] * c.uniform(0.8, 1) ** i for i in range(depth) for p in parts),
        3.0,
    ]
    table = (
        norms(c, n)[:, None]
        * np.array(sizes)
        * 10 ** (0.1 * c.standard_normal((n, len(sizes))))
    )
    return log(
        noisy(c, decay(c, n, 10.8, 4), 0.01), layers=names, tables={"grad_norm": table}
    )


def steep_layers_of_unknown_order(c):
    n = length(c, 60, 300)
    tables = {"grad_norm": depth_norms(c, n, 6, 0.2)}
    loss = noisy(c, decay(c, n, 2.3, 0.3), 0.05)
    return log(loss, tables=tables, layer_order="unknown")


def densities(c):
    n = length(c)
    loss = decay(c, n, c.uniform(3, 20), -c.uniform(3, 100))
    return log(loss + 0.3 * c.standard_normal(n), norms(c, n, 5, 0.2))


def late_insight(c):
    n = length(c, 400, 3000)
    at = int(n * c.uniform(0.2, 0.6))
    start = np.log(c.integers(2, 20))
    loss = np.concatenate([np.full(at, start), decay(c, n - at, start, 0.1)])
    return log(noisy(c, loss, 0.01), norms(c, n))


def preferences(c):
    n = length(c, 60, 800)
    loss = noisy(c, decay(c, n, np.log(2), c.uniform(0.3, 0.6)), c.uniform(0.03, 0.15))
    return log(loss, norms(c, n, 5, 0.3), **{"rewards/margins": np.linspace(0, 2, n)})


def clipped_at_first(c):
    n = length(c, 300, 3000)
    norm = norms(c, n, 0.5) * (1 + 5 * np.exp(-np.arange(n) / (0.1 * n)))
    loss = noisy(c, decay(c, n, 11, 3, power=0.4), 0.01)
    return log(loss, norm, clip_max_norm=1.0, clip_measured="pre")


def annealed(c):
    n = length(c, 300, 3000)
    loss = decay(c, n, c.uniform(100, 500), 60)
    ramp = np.clip(np.linspace(0, 3, n), 0, 1)
    return log(
        noisy(c, loss + c.uniform(0, 0.12) * (loss[0] - 60) * ramp, 0.03),
        norms(c, n, 20),
    )


def smaller_rate_later(c):
    n = length(c, 300, 3000)
    loss = decay(c, n, 2.3, 0.8)
    for at in (n // 3, 2 * n // 3):
        loss[at:] *= c.uniform(0.6, 0.8)
    return log(noisy(c, loss, 0.08), norms(c, n))
