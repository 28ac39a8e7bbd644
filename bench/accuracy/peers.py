"""The published rules of other tools, on the traces that our probe recorded.

Each rule sees what it needs: the trace of one seed, as a user trains once. A rule that
asks for something a trace does not hold is left out and named in `LEFT_OUT`.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from gradhealth.schemas.trace import Trace

Rule = Callable[[Trace], bool]

LEFT_OUT = (
    "SageMaker SaturatedActivation and DeepDiagnosis saturation (need pre-activations)",
    "SageMaker TensorVariance (no defaults), Overfit, ClassImbalance (other faults)",
    "AUTOTRAINER oscillation and slow convergence (need accuracy)",
    "DeepDiagnosis accuracy not improving (needs accuracy)",
)
WINDOW = 10


def _norms(trace: Trace) -> np.ndarray:
    """[T, L] gradient norms of the layers that have one; NaN where not measured."""
    table = trace.layer_series["grad_norm"]
    values = np.where(np.ma.getmaskarray(table), math.nan, table.data)
    return values[:, ~np.isnan(values).all(axis=0)]


def _losses(trace: Trace) -> np.ndarray:
    loss = trace.series["loss"]
    return np.asarray(loss.data[~np.ma.getmaskarray(loss)])


def _rows(trace: Trace, name: str) -> np.ndarray:
    table = trace.layer_series.get(name)
    if table is None:
        return np.zeros((0, 0))
    return np.where(np.ma.getmaskarray(table), math.nan, table.data)


def _is_stuck(trace: Trace) -> bool:
    """AUTOTRAINER speaks of gradients only when accuracy is bad: here, the loss."""
    losses, trivial = _losses(trace), trace.context.trivial_loss or math.inf
    last = losses[-WINDOW:]
    return not np.isfinite(last).all() or bool(last.mean() > 0.5 * trivial)


def _has_nan(trace: Trace) -> bool:
    return trace.context.non_finite is not None


def _autotrainer_vanishing(trace: Trace) -> bool:
    norms = _norms(trace)[-1]
    return _is_stuck(trace) and bool(norms[0] < 1e-4 and norms[0] < 1e-3 * norms[-1])


def _autotrainer_exploding(trace: Trace) -> bool:
    norms = _norms(trace)
    ratio = norms[:, 0] / np.maximum(norms[:, -1], 1e-300)
    return _has_nan(trace) or (_is_stuck(trace) and bool(np.nanmax(ratio) > 70))


def _autotrainer_dying(trace: Trace) -> bool:
    dead = _rows(trace, "dead_fraction")
    return _is_stuck(trace) and bool(np.nanmax(dead, initial=0.0) >= 0.7)


def _autotrainer_loss(trace: Trace) -> bool:
    losses = _losses(trace)
    return not np.isfinite(losses).all() or bool(losses.max() >= 1e3)


def _sagemaker_vanishing(trace: Trace) -> bool:
    # mean |g| of a tensor is below its norm: a norm below 1e-7 is a sure case.
    return bool((np.nanmin(_norms(trace), axis=0) < 1e-7).any())


def _sagemaker_dead(trace: Trace) -> bool:
    return bool(np.nanmax(_rows(trace, "dead_fraction"), initial=0.0) > 0.5)


def _sagemaker_update_ratio(trace: Trace) -> bool:
    ratios = _rows(trace, "update_ratio")
    known = ratios[np.isfinite(ratios)]
    return bool(((known > 10) | (known < 1e-8)).any())


def _sagemaker_poor_initialisation(trace: Trace) -> bool:
    stds = _rows(trace, "forward_std")
    first = stds[0][np.isfinite(stds[0])] if len(stds) else np.ones(1)
    return bool((first.max() / max(first.min(), 1e-300)) ** 2 > 10)


def _sagemaker_loss(trace: Trace) -> bool:
    losses = _losses(trace)
    before, after = losses[:-WINDOW], losses[WINDOW:]
    return bool((after > before * (1 - 0.001)).any())


def _deepdiagnosis_vanishing(trace: Trace) -> bool:
    updates = _rows(trace, "update_ratio") * _rows(trace, "weight_norm")
    return bool((updates < 1e-7).any())


def _deepdiagnosis_dead(trace: Trace) -> bool:
    return bool(np.nanmax(_rows(trace, "dead_fraction"), initial=0.0) >= 0.7)


def _deepdiagnosis_learning_rate(trace: Trace) -> bool:
    ratios = _rows(trace, "update_ratio")
    known = ratios[np.isfinite(ratios)]
    return bool(((known < 1e-5) | (known > 0.1)).any())


def _deepdiagnosis_loss(trace: Trace) -> bool:
    losses = _losses(trace)
    half = len(losses) // 2
    return bool(losses[half:].mean() >= losses[:half].mean())


PEERS: Mapping[str, tuple[Rule, ...]] = {
    "AUTOTRAINER": (
        _autotrainer_vanishing,
        _autotrainer_exploding,
        _autotrainer_dying,
        _autotrainer_loss,
    ),
    "SageMaker Debugger": (
        _sagemaker_vanishing,
        _has_nan,
        _sagemaker_dead,
        _sagemaker_update_ratio,
        _sagemaker_poor_initialisation,
        _sagemaker_loss,
    ),
    "DeepDiagnosis": (
        _has_nan,
        _deepdiagnosis_vanishing,
        _deepdiagnosis_dead,
        _deepdiagnosis_learning_rate,
        _deepdiagnosis_loss,
    ),
}


def alarms(trace: Trace) -> dict[str, bool]:
    """Which of the tools would say that something is wrong."""
    if not _norms(trace).size:
        # NaN before the first gradient: each of them looks for that.
        return dict.fromkeys(PEERS, True)
    with np.errstate(all="ignore"):
        return {
            name: any(rule(trace) for rule in rules) for name, rules in PEERS.items()
        }
