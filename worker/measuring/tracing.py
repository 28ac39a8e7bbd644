"""Turns a recording into a trace: numbers by step and layer, without tensors."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from gradhealth.architecture.network import Node
from gradhealth.architecture.targets import needed_lag
from gradhealth.schemas.trace import Context, NonFinite, Series, Trace, TracedLayer

from .neighbours import neighbour_progress
from .recording import Recording, Sample
from .training import TrainingRun

# A float32 norm below this may have underflowed and is not reported.
FLOAT32_NORM_FLOOR = 1e-18


def trace_of(run: TrainingRun, recording: Recording) -> Trace:
    """The trace of a finished run."""
    num_rows = run.num_updates + 1
    table = _Table(num_rows, recording.nodes)
    grad_norms = _layer_norms(run, recording)
    table.add_rows("grad_norm", _without_underflow(grad_norms, recording))
    stations = [node.path for node in run.network.stations]
    for step, sample in recording.samples.items():
        _add_sample(table, step, sample, recording, stations)
    start, end = (
        recording.samples[0].reading,
        recording.samples[run.num_updates].reading,
    )
    temporal = {
        name: np.ma.masked_array(reading.temporal_gain)
        for name, reading in (("temporal_gain", start), ("temporal_gain_end", end))
        if reading is not None and reading.temporal_gain
    }
    num_lags = max((len(gain) for gain in temporal.values()), default=0)
    return Trace(
        run=f"seed {run.seed}",
        layers=tuple(
            TracedLayer(path=node.path, type=node.layer.kind)
            for node in recording.nodes
        ),
        steps=np.arange(num_rows),
        series={
            "loss": _padded(run.losses, num_rows),
            "grad_norm": _padded(_total(grad_norms), num_rows),
            "lr": _padded(recording.lrs, num_rows),
        },
        layer_series=table.series(),
        context=_context(run, grad_norms),
        lags=np.arange(1, num_lags + 1),
        lag_series=temporal,
    )


def _add_sample(
    table: "_Table",
    step: int,
    sample: Sample,
    recording: Recording,
    stations: Sequence[str],
) -> None:
    owners = [index for index, _ in recording.matrices]
    weights = _by_layer(sample.weight_norms, owners)
    table.add("weight_norm", step, weights)
    if sample.update_norms is not None:
        updates = _by_layer(sample.update_norms, owners)
        ratios = {
            index: update / weights[index] if weights[index] else math.inf
            for index, update in updates.items()
        }
        table.add("update_ratio", step, ratios)
    if sample.unchanged is not None:
        shares = dict(zip(owners, sample.unchanged, strict=True))
        table.add("unchanged_fraction", step, shares)
    reading = sample.reading
    if reading is not None:
        gains = zip(stations, reading.backward_gain, strict=True)
        stds = zip(stations, reading.forward_std, strict=True)
        table.add_named("backward_gain", step, dict(gains))
        table.add_named("forward_std", step, dict(stds))
        table.add_named("dead_fraction", step, reading.dead_fraction)
        table.add_named("active_fraction", step, reading.active_fraction)
        table.add_named("saturated_fraction", step, reading.saturated_fraction)


class _Table:
    """[steps, layers] series that fill up cell by cell; the rest stays masked."""

    def __init__(self, num_rows: int, nodes: Sequence[Node]) -> None:
        self._shape = (num_rows, len(nodes))
        self._index = {node.path: index for index, node in enumerate(nodes)}
        self._series: dict[str, Series] = {}

    def add(self, name: str, step: int, values: Mapping[int, float]) -> None:
        columns = list(values)
        self._get(name)[step, columns] = [values[column] for column in columns]

    def add_named(self, name: str, step: int, values: Mapping[str, float]) -> None:
        self.add(name, step, {self._index[path]: v for path, v in values.items()})

    def add_rows(self, name: str, rows: Series) -> None:
        self._get(name)[: len(rows)] = rows

    def series(self) -> dict[str, Series]:
        return self._series

    def _get(self, name: str) -> Series:
        if name not in self._series:
            self._series[name] = _masked(*self._shape)
        return self._series[name]


def _layer_norms(run: TrainingRun, recording: Recording) -> Series:
    """[T, L] gradient norms of layers; masked where no gradient arrives."""
    squares = np.zeros((run.num_updates, len(recording.nodes)))
    masked = np.ones(len(recording.nodes), bool)
    norms = np.array([torch.stack(list(row)).tolist() for row in recording.grad_norms])
    with np.errstate(over="ignore"):
        for column, parameter in enumerate(recording.receiving):
            index, _ = recording.parameters[parameter]
            squares[:, index] += norms[:, column] ** 2
            masked[index] = False
    return np.ma.masked_array(np.sqrt(squares), np.broadcast_to(masked, squares.shape))


def _by_layer(norms: Tensor, owners: Sequence[int]) -> dict[int, float]:
    """Norms of layers from norms of their matrices."""
    layers: dict[int, list[float]] = {}
    for index, norm in zip(owners, norms.tolist(), strict=True):
        layers.setdefault(index, []).append(norm)
    return {index: math.hypot(*parts) for index, parts in layers.items()}


def _without_underflow(norms: Series, recording: Recording) -> Series:
    """Masks float32 norms that may have underflowed; sampled steps are float64."""
    exact = np.isin(np.arange(len(norms)), list(recording.samples))
    doubtful = (norms.data < FLOAT32_NORM_FLOOR) & ~exact[:, None]
    return np.ma.masked_array(norms.data, norms.mask | doubtful)


def _total(norms: Series) -> list[float]:
    """Norm of all gradients together, by step."""
    return [float(value) for value in np.sqrt((norms.filled(0.0) ** 2).sum(axis=1))]


def _masked(*shape: int) -> Series:
    """A series in which nothing has been measured yet."""
    return np.ma.masked_array(np.zeros(shape), np.ones(shape, bool))


def _padded(values: Sequence[float], num_rows: int) -> Series:
    """One value a row, masked in the rows after the last."""
    padded = _masked(num_rows)
    padded[: len(values)] = values
    return padded


def _context(run: TrainingRun, grad_norms: Series) -> Context:
    data, spec = run.data, run.network.spec
    return Context(
        trivial_loss=data.trivial_loss,
        loss_floor=data.floor,
        input_rms=_rms(data.x),
        neighbour_progress=neighbour_progress(data.x, data.y),
        batch_size=spec.training.batch_size,
        seed=run.seed,
        lag=needed_lag(run.network.goal),
        clip_max_norm=spec.training.clip_grad_norm,
        clip_measured="pre" if spec.training.clip_grad_norm else None,
        non_finite=_first_non_finite(run, grad_norms),
    )


def _rms(x: Tensor) -> float | None:
    """Root mean square of the finite inputs; null for tokens."""
    if not x.is_floating_point():
        return None
    known = x[x.isfinite()].double()
    return known.square().mean().sqrt().item() if len(known) else None


def _first_non_finite(run: TrainingRun, grad_norms: Series) -> NonFinite | None:
    """The first place where a number stopped being finite.

    A step that mixed-precision scaling skipped leaves the loss finite and is none.
    """
    if run.is_finite:
        return None
    broken = ~np.isfinite(grad_norms.filled(0.0))
    steps = np.flatnonzero(broken.any(axis=1))
    if len(steps) and math.isfinite(run.losses[steps[0]]):
        # Backpropagation goes backwards: the deepest layer broke first.
        deepest = int(np.flatnonzero(broken[steps[0]])[-1])
        path = list(run.network.walk())[deepest].path
        return NonFinite(step=int(steps[0]), where="gradient", layer=path)
    where, layer = run.blame()
    return NonFinite(step=run.num_updates, where=where, layer=layer)
