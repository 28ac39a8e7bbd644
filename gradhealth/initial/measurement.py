"""Reads an initialised network as the probe does, once a seed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..architecture.network import Network, Node
from ..documents.arrays import decode_npy
from ..layers.activation import ReLU, ReLU6, Sigmoid, Tanh
from ..layers.base import Layer
from ..schemas.data import Inline
from ..schemas.trace import Context, NonFinite, Series, Trace, TracedLayer
from ..theory.inputs import input_moments
from .exceptions import UnmeasurableError
from .layers import Pass
from .values import PullBack, Values

# Multiplications that take a third of a second on one core.
MAX_PRODUCTS = 10**9
# Enough for decades of J, and for the statistics of batch normalisation.
MAX_SAMPLES = 64
# Where an activation counts as flat: the probe's own bounds.
TANH_FLAT, SIGMOID_FLAT = 0.95, 0.475
RELUS: tuple[type[Layer], ...] = (ReLU, ReLU6)


def measure_initial(network: Network, seeds: Sequence[int]) -> list[Trace]:
    """A trace for each seed, of one step: the state before the first update.

    Weights and inputs are normal numbers with the moments of the spec's, so a seed's
    numbers are not torch's, but their distribution is.

    Raises:
        UnmeasurableError: A layer or an init function is not known here, or the
            network is too large to be quick.
    """
    num_products = 4 * _num_samples(network) * network.num_parameters * len(seeds)
    if network.input.is_tokens:
        raise UnmeasurableError("tokens are measured with torch only")
    if num_products > MAX_PRODUCTS:
        raise UnmeasurableError("the network is too large to be measured in no time")
    with np.errstate(all="ignore"):
        return [_measure(network, seed) for seed in seeds]


def _measure(network: Network, seed: int) -> Trace:
    random = np.random.default_rng(seed)
    run = Pass(network.spec.init, random)
    x, pulls = _inputs(network, random), []
    for node in network.nodes:
        x, pull = run.of(node, x)
        pulls.append((node, pull))
    nodes = [*network.walk()]
    series = {
        "backward_gain": _gains(network, run, pulls),
        "forward_std": {
            node.path: _std(run.outputs[node.path]) for node in network.stations
        },
        "dead_fraction": {
            node.path: float((run.outputs[node.path] <= 0).all(axis=_others(x)).mean())
            for node in nodes
            for x in [run.outputs[node.path]]
            if isinstance(node.layer, RELUS)
        },
        "active_fraction": {
            node.path: float((run.outputs[node.path] > 0).mean())
            for node in nodes
            if isinstance(node.layer, RELUS)
        },
        "saturated_fraction": {
            node.path: float((distance > limit).mean())
            for node in nodes
            for distance, limit in _flatness(node, run.outputs)
        },
    }
    return _trace(nodes, series, seed, _broken_data(network))


def _inputs(network: Network, random: np.random.Generator) -> Values:
    """[samples, ...] normal numbers with the moments of the task's inputs."""
    moments = input_moments(network.goal.data)
    if not math.isfinite(moments.square):
        raise UnmeasurableError("the input holds no finite number")
    shared = max(0.0, moments.covariance)
    own = max(0.0, moments.variance - shared)
    dims = network.input.dims
    common = math.sqrt(shared) * random.standard_normal((1, *dims))
    noise = random.standard_normal((_num_samples(network), *dims))
    return np.asarray(moments.mean + common + math.sqrt(own) * noise)


def _num_samples(network: Network) -> int:
    return min(MAX_SAMPLES, network.num_probe_samples)


def _broken_data(network: Network) -> NonFinite | None:
    """NaN or an infinity in the caller's own data."""
    data = network.goal.data
    if isinstance(data, Inline):
        for array in (data.x, data.y):
            if not np.isfinite(decode_npy(array.npy)).all():
                return NonFinite(step=0, where="data")
    return None


def _gains(
    network: Network, run: Pass, pulls: Sequence[tuple[Node, PullBack]]
) -> dict[str, float]:
    """J of every station, for a random cotangent at the last."""
    stations = {node.path for node in network.stations}
    last = network.stations[-1].path
    gains: dict[str, float] = {}
    grad, sent = np.zeros(()), 1.0
    for node, pull in reversed(pulls):
        if node.path == last:
            grad = run.random.standard_normal(run.outputs[last].shape)
            if grad.ndim == 3:  # noqa: PLR2004 -- of a sequence only the last step
                grad[:, :-1] = 0
            sent = float(np.linalg.norm(grad))
        if not grad.ndim:
            continue
        if node.path in stations:
            gains[node.path] = float(np.linalg.norm(grad)) / sent
        grad = pull(grad)
    return gains


def _std(x: Values) -> float:
    """Standard deviation over samples, RMS over units."""
    return float(np.sqrt(x.var(axis=0).mean()))


def _others(x: Values) -> tuple[int, ...]:
    """Every axis but that of the units."""
    return (*range(x.ndim - 1),)


def _flatness(node: Node, outputs: Mapping[str, Values]) -> list[tuple[Values, float]]:
    """Distances from the middle of an activation's range, and where it is flat."""
    if isinstance(node.layer, Tanh):
        return [(np.abs(outputs[node.path]), TANH_FLAT)]
    if isinstance(node.layer, Sigmoid):
        return [(np.abs(outputs[node.path] - 0.5), SIGMOID_FLAT)]
    return []


def _trace(
    nodes: Sequence[Node],
    series: Mapping[str, Mapping[str, float]],
    seed: int,
    broken: NonFinite | None,
) -> Trace:
    return Trace(
        run=f"seed {seed}",
        layers=tuple(TracedLayer(path=n.path, type=n.layer.kind) for n in nodes),
        steps=np.zeros(1, np.int64),
        series={},
        layer_series={
            name: _row(nodes, values) for name, values in series.items() if values
        },
        context=Context(
            source_format="initial", layer_order="given", seed=seed, non_finite=broken
        ),
        lags=np.zeros(0, np.int64),
        lag_series={},
    )


def _row(nodes: Sequence[Node], values: Mapping[str, float]) -> Series:
    """[1, layers], masked where nothing was measured."""
    row: Any = [[values.get(node.path, 0.0) for node in nodes]]
    return np.ma.masked_array(row, [[node.path not in values for node in nodes]])
