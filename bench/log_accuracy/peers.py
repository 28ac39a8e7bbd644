"""Published rules on the same logs, as far as a log lets them be evaluated.

- SageMaker Debugger: VanishingGradient (mean |g| < 1e-7; here a layer's norm, which is
  larger, so the rule is favoured), ExplodingTensor (NaN or infinity), LossNotDecreasing
  (less than 0.1 % over 10 steps).
- AUTOTRAINER: norm ratio first/last < 1e-3 and first < 1e-4; ratio > 70; loss NaN or
  >= 1e3.
- Atlas: norm < 1e-7; loss doubled. (Its plateau rule needs epochs.)
- DEFault-tool: mean gradient < 1e-4 or > 70.
- The usual script: warn when the norm passes 10 times its mean.
"""

import numpy as np


def numbers(trace):
    """Losses, norms and layer norms of a trace, empty where not logged."""
    losses = np.ma.filled(trace.series.get("loss", np.ma.zeros(0)), np.nan)
    norms = np.ma.filled(trace.series.get("grad_norm", np.ma.zeros(0)), np.nan)
    table = trace.layer_series.get("grad_norm")
    return losses, norms, None if table is None else np.ma.filled(table, np.nan)


def sagemaker(trace):
    losses, norms, table = numbers(trace)
    values = norms if table is None else table
    stalled = any(
        losses[i + 10] > losses[i] * (1 - 0.001) for i in range(0, len(losses) - 10, 10)
    )
    return bool(
        (values < 1e-7).any()
        or not np.isfinite([*values.ravel(), *losses]).all()
        or stalled
    )


def autotrainer(trace):
    losses, _, table = numbers(trace)
    found = bool((np.isnan(losses) | (losses >= 1e3)).any())
    if table is not None:
        ratio = table[:, 0] / table[:, -1]
        found |= bool(
            ((ratio < 1e-3) & (table[:, 0] < 1e-4)).any() or (ratio > 70).any()
        )
    return found


def atlas(trace):
    losses, norms, table = numbers(trace)
    values = norms if table is None else table
    doubled = len(losses) > 1 and bool((losses[1:] > 2 * losses[:-1]).any())
    return bool((values < 1e-7).any() or doubled)


def default_tool(trace):
    _, norms, table = numbers(trace)
    values = norms if table is None else table
    return bool(len(values) and (np.nanmean(values) < 1e-4 or np.nanmax(values) > 70))


def ten_times_the_mean(trace):
    norms = numbers(trace)[1]
    return bool(len(norms) and (np.nanmax(norms) > 10 * np.nanmean(norms)))


PEERS = {
    "SageMaker Debugger": sagemaker,
    "AUTOTRAINER": autotrainer,
    "Atlas": atlas,
    "DEFault-tool": default_tool,
    "10 x mean": ten_times_the_mean,
}
