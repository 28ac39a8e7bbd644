"""Watches a training run: gradient norms at each step, everything else at a few."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from gradhealth.architecture.network import Network
from gradhealth.layers.recurrent import Recurrent
from gradhealth.recorder.probe import Probe, Reading, UnitKind
from gradhealth.schemas.data import Inline

from .training import HALF, TrainingRun

NUM_MIDDLE_STEPS, MIDDLE_SAMPLES = 8, 64

FLAT_PARTS: dict[str, UnitKind] = {
    "ReLU": "relu",
    "ReLU6": "relu",
    "Tanh": "tanh",
    "Hardtanh": "tanh",
    "Sigmoid": "sigmoid",
    "Hardsigmoid": "sigmoid",
}


@dataclass(slots=True)
class Sample:
    """What was seen at one sampled step, in the order of the recording's lists.

    Attributes:
        weight_norms: [M] L2 norm of each weight matrix before the update.
        update_norms: [M] L2 norm of the change; null at the last state.
        unchanged: [M] share of weights the update did not change (half precision).
    """

    reading: Reading | None
    weight_norms: Tensor
    update_norms: Tensor | None = None
    unchanged: list[float] | None = None


class Recording:
    """A watcher of one run; `tracing` turns it into a trace.

    Attributes:
        nodes: Every layer of the network, in the order of execution.
        parameters: (index of the node, parameter) of every learned parameter.
        matrices: The same for weight matrices: biases and gains are left out, whose
            ratio of update to weight means nothing.
        receiving: Indices of the parameters that get a gradient at all.
        grad_norms: By step, [receiving] their L2 norms before clipping.
        samples: By step; the last state has one too.
        lrs: The learning rate of each step.
        seconds: Time spent watching.
    """

    def __init__(self, run: TrainingRun) -> None:
        self.nodes = list(run.network.walk())
        self.parameters = [
            (index, parameter)
            for index, node in enumerate(self.nodes)
            for parameter in run.model.parameters_of(node.path).values()
        ]
        self.matrices = [(i, p) for i, p in self.parameters if p.dim() > 1]
        self.grad_norms: list[Sequence[Tensor]] = []
        self.receiving: list[int] = []
        self._receivers: list[nn.Parameter] = []
        self.samples: dict[int, Sample] = {}
        self.lrs: list[float] = []
        self.seconds = 0.0
        self._probe = _probe(run)
        self._probe_data = _finite_samples(run)
        self._num_samples = len(self._probe_data)
        self._probe_steps = {0, *middle_steps(run.network)}
        self._is_half = run.network.spec.training.precision in HALF
        self._before: list[Tensor] = []

    def before_step(self, run: TrainingRun) -> None:
        self.lrs.append(run.lr)
        if run.num_updates not in self._probe_steps:
            return
        began = perf_counter()
        self._sample(run, MIDDLE_SAMPLES if run.num_updates else self._num_samples)
        self._before = [matrix.detach().clone() for _, matrix in self.matrices]
        self.seconds += perf_counter() - began

    def after_backward(self, run: TrainingRun) -> None:
        began = perf_counter()
        if not run.num_updates:
            self.receiving = [
                index
                for index, (_, parameter) in enumerate(self.parameters)
                if parameter.grad is not None
            ]
            self._receivers = [self.parameters[index][1] for index in self.receiving]
        grads = [grad for p in self._receivers if (grad := p.grad) is not None]
        # float32 squares underflow below 1e-19: sampled steps are taken exactly.
        exact = torch.float64 if run.num_updates in self._probe_steps else None
        self.grad_norms.append(torch._foreach_norm(grads, 2, exact))  # noqa: SLF001 -- one call for all
        self.seconds += perf_counter() - began

    def after_update(self, run: TrainingRun) -> None:
        sample = self.samples.get(run.num_updates - 1)
        if sample is None:
            return
        began = perf_counter()
        after = [matrix.detach() for _, matrix in self.matrices]
        pairs = list(zip(self._before, after, strict=True))
        if self._is_half:
            sample.unchanged = [(b == a).double().mean().item() for b, a in pairs]
        sample.update_norms = _norms([a - b for b, a in pairs], torch.float64)
        self.seconds += perf_counter() - began

    def finish(self, run: TrainingRun) -> None:
        """A last reading, of the trained network."""
        if run.num_updates in self.samples:
            return  # broke at a sampled step: nothing has changed since
        began = perf_counter()
        self._sample(run, self._num_samples if run.is_finite else 0)
        self.seconds += perf_counter() - began

    def _sample(self, run: TrainingRun, num_samples: int) -> None:
        data = self._probe_data[:num_samples]
        reading = self._probe.read(data, seed=run.seed) if len(data) else None
        weights = _norms([matrix.detach() for _, matrix in self.matrices])
        self.samples[run.num_updates] = Sample(reading, weights)


def reading_of(run: TrainingRun) -> Reading:
    """One reading of a run as it is, without training."""
    return _probe(run).read(_finite_samples(run), seed=run.seed)


def middle_steps(network: Network) -> list[int]:
    """Steps between start and end at which to probe: as asked, or 8 log-spaced."""
    total = network.spec.training.steps
    if network.spec.probe.steps is not None:
        return sorted({step for step in network.spec.probe.steps if 0 < step < total})
    if total <= 1:
        return []
    spaced = np.geomspace(1, total - 1, NUM_MIDDLE_STEPS).round()
    return sorted({int(step) for step in spaced})


def _probe(run: TrainingRun) -> Probe:
    modules = run.model.modules_by_path
    nodes = list(run.network.walk())
    recurrent = [node for node in nodes if isinstance(node.layer, Recurrent)]
    return Probe(
        run.model,
        [modules[node.path] for node in run.network.stations],
        {
            node.path: (modules[node.path], FLAT_PARTS[node.layer.kind])
            for node in nodes
            if node.layer.kind in FLAT_PARTS
        },
        modules[recurrent[0].path] if recurrent else None,
    )


def _finite_samples(run: TrainingRun) -> Tensor:
    """Samples for the probe: without NaN or infinities, and of all sorts.

    What the network does to gradients is asked of the network; broken data is
    found by the training. A caller's data may come sorted, by class for instance.
    """
    x = run.data.x
    if x.is_floating_point():
        x = x[x.flatten(1).isfinite().all(1)]
    if isinstance(run.network.goal.data, Inline):
        x = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(0))]
    return run.on_device(x[: run.network.num_probe_samples])


def _norms(tensors: list[Tensor], dtype: torch.dtype | None = None) -> Tensor:
    """[n] L2 norms; in float64 tiny ones do not underflow."""
    if not tensors:
        return torch.zeros(0)
    return torch.stack(torch._foreach_norm(tensors, 2, dtype))  # noqa: SLF001 -- one call for all
