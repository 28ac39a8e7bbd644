"""Predicts the backward gain of every station from the spec alone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..architecture.network import Network, Node
from ..layers.norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from ..schemas.analysis import LayerTheory, Theory
from ..schemas.training import Precision
from . import attention, blocks, norms, recurrence, units, weights
from .flow import Flow, at_last, even
from .inputs import SampleSize, input_moments, sample_sizes
from .mean_field import Rule, UnpredictableError, Walk
from .moments import Moments

RULES: Mapping[type[Any], Rule] = {
    **weights.RULES,
    **units.RULES,
    **norms.RULES,
    **blocks.RULES,
    **attention.RULES,
    **recurrence.RULES,
}


# Factor on the input's mean square that a first layer of usual weights notices.
FAR_FROM_ONE = 100.0
# Difference in ln J between samples of different size that is none.
INSENSITIVE = 1e-3
# Samples expected in a probe: of a Poisson number, at least one in 19 of 20 probes.
MIN_PROBED = 3.0
# ln of the average J over J of the average sample, from which on they differ.
CARRIED_BY_FEW = math.log(3.0)
LARGEST: Mapping[Precision, float] = {
    "float32": 3.4e38,
    "bfloat16": 3.4e38,
    "amp_bfloat16": 3.4e38,
    "float16": 65_504.0,
    "amp_float16": 65_504.0,
}


@dataclass(frozen=True, slots=True)
class _Prediction:
    """ln of J at each station, its spread, and what was noted on the way."""

    log_gains: list[float]
    log_variance: float
    walk: Walk


def predict(network: Network) -> Theory:
    """Mean-field prediction for a network, in milliseconds and without torch.

    J is the norm of the gradient at a station over that at the last hidden station,
    for a random cotangent there, as the probe measures it: the geometric mean over
    initialisations, where the squared norm is log-normal (Hanin & Nica 2019).
    """
    stations = network.stations
    if not stations:
        return Theory(caveats=["the network has no layer with weights on its trunk"])
    with np.errstate(all="ignore"):
        try:
            prediction = _prediction(network, network.spec.probe.samples)
            log_gains = _over_samples(network, prediction)
        except UnpredictableError as silence:
            return _silent(stations, str(silence))
        except ArithmeticError:
            return _silent(stations, "numbers of the spec leave the range of floats")
        caveats = [*prediction.walk.caveats, *_batch_caveat(network, prediction)]
    gains = [_exp(value) for value in log_gains]
    temporal = prediction.walk.temporal
    return Theory(
        layers=[
            LayerTheory(path=node.path, factor=factor, backward_gain=gain)
            for node, factor, gain in zip(
                stations, _factors(log_gains), gains, strict=True
            )
        ],
        backward_gain=gains[0],
        log10_spread=_log10_spread(prediction),
        temporal_factor=max(temporal) if temporal else None,
        caveats=caveats,
    )


def _silent(stations: tuple[Node, ...], why: str) -> Theory:
    return Theory(
        layers=[LayerTheory(path=node.path) for node in stations], caveats=[why]
    )


def _prediction(network: Network, batch_size: int, *, size: float = 1.0) -> _Prediction:
    """J of a sample whose mean square is `size` times that of all samples."""
    largest = LARGEST[network.spec.training.precision]
    walk = Walk(RULES, network.spec.init, batch_size, largest)
    stations = {node.path for node in network.stations}
    last = max(i for i, node in enumerate(network.nodes) if node.path in stations)
    nodes = network.nodes[: last + 1]
    steps = walk.through(nodes, _entering(network, walk).times(size))
    flow = _cotangent(nodes[-1])
    log_gains = [0.0]
    variance = 0.0
    for node, step in zip(reversed(nodes[:-1]), reversed(steps[1:]), strict=True):
        flow = step[1](flow)
        if node.path in stations:
            log_gains.insert(0, (flow.log_energy - flow.variance / 2) / 2)
            variance = flow.variance
    return _Prediction(log_gains, variance, walk)


def _over_samples(network: Network, typical: _Prediction) -> list[float]:
    """Ln of J, its square averaged over samples of different size.

    The probe takes the RMS over samples; where an activation's slope depends on the
    signal's size, J of the average sample is not the average J.
    """
    if network.input.is_tokens or _has_batch_norm(network):
        return typical.log_gains
    num_samples = typical.walk.batch_size
    sizes = [
        size
        for size in sample_sizes(network.goal.data)
        if size.share * num_samples >= MIN_PROBED
    ]
    if len(sizes) < 2:  # noqa: PLR2004 -- nothing to average
        return typical.log_gains

    def log_gains(size: SampleSize) -> list[float]:
        return _prediction(network, num_samples, size=size.square).log_gains

    *others, largest = sizes
    of_largest = log_gains(largest)
    if np.allclose(of_largest, typical.log_gains, atol=INSENSITIVE):
        return typical.log_gains
    known = sum(size.share for size in sizes)
    log_energies = np.array([*map(log_gains, others), of_largest]) * 2
    log_energies += np.log([[size.share / known] for size in sizes])
    mean: list[float] = (np.logaddexp.reduce(log_energies) / 2).tolist()
    if mean[0] - typical.log_gains[0] > CARRIED_BY_FEW:
        typical.walk.note(
            "a few large samples carry most of the gradient; for the average one the "
            f"backward gain is {_exp(typical.log_gains[0]):.3g}"
        )
    return mean


def _entering(network: Network, walk: Walk) -> Moments:
    """Moments of the input; those of tokens mean nothing and are not used."""
    moments = input_moments(network.goal.data)
    if not math.isfinite(moments.square):
        raise UnpredictableError("the input holds no finite number")
    is_usual = 1 / FAR_FROM_ONE <= moments.square <= FAR_FROM_ONE
    if not (is_usual or network.input.is_tokens):
        walk.note(f"the input's mean square is {moments.square:.3g}, far from 1")
    return moments


def _cotangent(node: Node) -> Flow:
    """Random, of squared norm 1; for sequences only at the last time step."""
    profile = even(node.output)
    if len(node.output.dims) == 2:  # noqa: PLR2004 -- [length, features]
        profile = (at_last(node.output.dims[0]),)
    alignment = 1 / math.sqrt(node.output.size)
    return Flow(0.0, 0.0, 1 / node.output.channels, profile, alignment)


def _log10_spread(prediction: _Prediction) -> float | None:
    """Standard deviation of log10 J; null where nothing arrives."""
    if prediction.log_gains[0] == -math.inf:
        return None
    return math.sqrt(prediction.log_variance) / 2 / math.log(10)


def _factors(log_gains: list[float]) -> list[float | None]:
    """Growth across each station but the last."""
    growth = [
        _exp(here - after) if here > -math.inf else 0.0
        for here, after in pairwise(log_gains)
    ]
    return [*growth, None]


def _exp(value: float) -> float:
    return math.exp(value) if value < math.log(np.finfo(float).max) else math.inf


def _batch_caveat(network: Network, prediction: _Prediction) -> list[str]:
    """What batch normalisation does in the batches of the training."""
    batch_size = network.spec.training.batch_size
    if not _has_batch_norm(network):
        return []
    training = _exp(_prediction(network, batch_size).log_gains[0])
    probed = prediction.walk.batch_size
    text = (
        f"batch normalisation is predicted for the probe's {probed} samples; in "
        f"training batches of {batch_size} the backward gain is {training:.3g}"
    )
    return [text]


def _has_batch_norm(network: Network) -> bool:
    kinds = (BatchNorm1d, BatchNorm2d, BatchNorm3d)
    return any(isinstance(node.layer, kinds) for node in network.walk())
