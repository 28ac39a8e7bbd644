"""The units of work a child process knows: measure, screen, train; and read a log.

Arguments and replies are JSON values; tensors never leave. Runs are kept while the
process lives, so that training one further continues instead of starting again; a
process that lost them repeats the steps and gets the same numbers.
"""

import json
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gradhealth import __version__
from gradhealth.architecture.limits import UNLIMITED
from gradhealth.architecture.network import resolve
from gradhealth.architecture.targets import needed_lag
from gradhealth.ingest.formats.base import log_formats

from .logs.unit import judge
from .measuring.recording import Recording, reading_of
from .measuring.thinning import thinned
from .measuring.tracing import trace_of
from .measuring.training import TrainingRun

WRITABLE: Sequence[Path] = ()
Report = Callable[[int, int], None]

# Training is reported in this many parts.
NUM_REPORTS = 20
# Numbers kept in the memory of a child for runs that may go on: 256 MiB of weights.
MAX_KEPT_PARAMETERS = 2**26

_kept: dict[str, TrainingRun] = {}


def warm_up() -> None:
    """Imports what a training needs, so that forks of this process start at once."""
    spec = {
        "input": {"shape": [4]},
        "model": [
            {"type": "Linear", "out_features": 4},
            {"type": "ReLU"},
            {"type": "Linear", "out_features": 2},
        ],
        "training": {"steps": 1, "batch_size": 2},
        "probe": {"seeds": [0], "samples": 2},
    }
    measure({"spec": spec}, lambda _done, _total: None)
    log_formats()


def set_threads(count: int) -> None:
    """Uses so many processor threads in this process."""
    torch.set_num_threads(count)


def run(unit: str, arguments: Mapping[str, Any], report: Report) -> Any:
    """Carries out one unit; `report(done, total)` tells how far it is."""
    return UNITS[unit](arguments, report)


def measure(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Trains the spec over its seeds under the probe: a trace for each seed."""
    network = resolve(arguments["spec"], UNLIMITED)
    seeds = arguments.get("seeds") or network.spec.probe.seeds
    total = network.spec.training.steps
    traces, durations, probing = [], [], 0.0
    for index, seed in enumerate(seeds):
        training = TrainingRun(network, seed, device=device())
        recording = Recording(training)
        for part in range(1, NUM_REPORTS + 1):
            training.advance(round(total * part / NUM_REPORTS), recording)
            report(index * NUM_REPORTS + part, len(seeds) * NUM_REPORTS)
        recording.finish(training)
        traces.append(trace_of(training, recording).to_json())
        durations.append(training.seconds)
        probing += recording.seconds
    parts = ("build", "forward", "loss", "backward", "update")
    return {
        "traces": traces,
        "durations": {
            part: math.fsum(getattr(seconds, part) for seconds in durations)
            for part in parts
        }
        | {"probe": probing},
        "device": str(device()),
        "versions": versions(),
    }


def screen(arguments: Mapping[str, Any], _report: Report) -> dict[str, Any]:
    """Looks at a spec at initialisation only, one number a seed; null: not finite."""
    network = resolve(arguments["spec"], UNLIMITED)
    readings = [
        reading_of(TrainingRun(network, seed, device=device()))
        for seed in arguments["seeds"]
    ]
    return {
        "log10_backward_gain": [_log10(r.backward_gain[:1]) for r in readings],
        "last_hidden_std": [_finite(r.forward_std[-1:]) for r in readings],
        "log10_temporal_gain": [
            _log10(r.temporal_gain[: needed_lag(network.goal)][-1:]) for r in readings
        ],
        "dead_fraction": [max(r.dead_fraction.values(), default=0) for r in readings],
        "saturated_fraction": [
            max(r.saturated_fraction.values(), default=0) for r in readings
        ],
    }


def train(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Trains one seed at one rate up to a number of steps, going on where it was."""
    key = json.dumps(
        [arguments["spec"], arguments["seed"], arguments["lr_multiplier"]],
        sort_keys=True,
    )
    training = _kept.get(key)
    if training is None or training.num_updates > arguments["steps"]:
        training = TrainingRun(
            resolve(arguments["spec"], UNLIMITED),
            arguments["seed"],
            lr_multiplier=arguments["lr_multiplier"],
            device=device(),
        )
    training.advance(arguments["steps"])
    report(1, 1)
    _keep(key, training)
    return {
        "progress": training.progress(),
        "loss_last": training.last_loss(),
        "losses": thinned(training.losses),
    }


def check_device(_arguments: Mapping[str, Any], _report: Report) -> float:
    """A small sum, which a device in order has at once."""
    return float(torch.ones(8, device=device()).sum().item())


UNITS: dict[str, Callable[[Mapping[str, Any], Report], Any]] = {
    "measure": measure,
    "screen": screen,
    "train": train,
    "check_device": check_device,
    "judge_log": judge,
}


def forget() -> None:
    """Drops the runs that were kept to go on with."""
    _kept.clear()


def device() -> torch.device:
    """The GPU when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def versions() -> dict[str, str]:
    """What the numbers were made with."""
    return {
        "gradhealth": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def _keep(key: str, training: TrainingRun) -> None:
    """Keeps a run to go on with, forgetting the oldest when memory is short."""
    _kept.pop(key, None)
    _kept[key] = training
    while sum(r.network.num_parameters for r in _kept.values()) > MAX_KEPT_PARAMETERS:
        _kept.pop(next(iter(_kept)))


def _log10(numbers: Sequence[float]) -> float | None:
    """log10 of the one number in the list; null when it has none."""
    return next((math.log10(n) for n in numbers if 0 < n < math.inf), None)


def _finite(numbers: Sequence[float]) -> float | None:
    return next((n for n in numbers if math.isfinite(n)), None)
