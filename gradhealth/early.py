"""What can be decided without training: from theory and the initialised network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from . import __version__
from .architecture.network import Network
from .detectors.base import Threshold
from .detectors.dead_relu import DeadRelu
from .detectors.exploding_gradient import ExplodingGradient
from .detectors.saturated_activation import SaturatedActivation
from .detectors.tuned import DEFAULTS, Thresholds, tuned
from .detectors.vanishing_gradient import VanishingGradient
from .diagnosis import Diagnosis, diagnose
from .forecast import trace_of
from .initial.exceptions import UnmeasurableError
from .initial.measurement import measure_initial
from .layers.recurrent import Recurrent
from .results import assemble
from .schemas.analysis import Environment, Result, Theory
from .schemas.trace import Trace
from .statistics import Statistics
from .theory.gains import predict

Outlook = Literal["broken", "sound", "open"]

# Of the 491 labelled networks of the accuracy suite, none that SGD trains lies a decade
# or more outside of the detectors' bounds, and 76 of those that fail do. Of those that
# an adaptive optimizer trains, one lies between one and two decades outside.
SURE_OF_SGD = Threshold(1.0, "decades of J beyond the bound", "bench accuracy")
SURE_OF_ADAPTIVE = Threshold(3.0, "decades of J beyond the bound", "bench accuracy")
# Inside, this far from the bound for vanishing, depth is no reason to fail.
CLEAR = Threshold(1.5, "decades of J inside the bound", "the steep gain: -1.5")
MAX_SEEDS = 3

NOT_JUDGED = (
    "Nothing was trained: the learning rate, the data, clipping and decay were not "
    "judged."
)
_FULL = "Leave --fast out to train it and measure."


@dataclass(frozen=True, slots=True)
class _Look:
    """What the start shows, and where it was seen."""

    traces: Sequence[Trace]
    by: Literal["initialisation", "theory"]


def judge_early(network: Network, thresholds: Thresholds = DEFAULTS) -> Result:
    """A result in milliseconds, where it is sure; else `insufficient_data`.

    A network whose gradients do not arrive, by a clear margin, cannot learn: that is
    critical without a training. One whose gradients arrive is healthy so far.
    """
    theory = predict(network)
    look = _look(network, theory)
    if isinstance(look, str):
        return _open(look, theory)
    outlook = _outlook(network, look, thresholds)
    if outlook == "open":
        return _open("The gradient at the start is on the border", theory, look)
    diagnosis = diagnose(
        look.traces, network, thresholds, assume_harm=outlook == "broken"
    )
    seen = "in numpy at initialisation" if look.by == "initialisation" else "by theory"
    notes = [f"Decided {seen}. {NOT_JUDGED}"]
    if outlook == "sound":
        diagnosis = _sound(diagnosis)
    return _result(diagnosis, look, theory, notes)


def _look(network: Network, theory: Theory) -> _Look | str:
    """The start of the network; or why it cannot be told."""
    if any(isinstance(node.layer, Recurrent) for node in network.walk()):
        return "A recurrent network is judged by what its task needs"
    seeds = network.spec.probe.seeds[:MAX_SEEDS]
    try:
        return _Look(measure_initial(network, seeds), "initialisation")
    except UnmeasurableError as error:
        if theory.backward_gain is None:
            why = [str(error), *theory.caveats]
            return f"Neither numpy nor theory can tell ({'; '.join(why)})"
        return _Look([trace_of(theory, network)], "theory")


def _outlook(network: Network, look: _Look, thresholds: Thresholds) -> Outlook:
    statistics = Statistics(tuple(look.traces))
    if not statistics.finite.all() or _is_dead(statistics, thresholds):
        return "broken"
    gains = statistics.log10_gain
    smallest, largest = float(gains.min(axis=1).mean()), float(gains.max(axis=1).mean())
    low = tuned(VanishingGradient, thresholds).gain.value
    high = tuned(ExplodingGradient, thresholds).gain.value
    is_plain = network.spec.training.optimizer.type == "SGD"
    margin = (SURE_OF_SGD if is_plain else SURE_OF_ADAPTIVE).value
    if smallest < low - margin or largest > high + margin:
        return "broken"
    clear = low + CLEAR.value < smallest and largest < high - CLEAR.value
    if _is_saturated(statistics, thresholds) or _is_rarely_active(
        statistics, thresholds
    ):
        return "open"
    return "sound" if clear else "open"


def _is_dead(statistics: Statistics, thresholds: Thresholds) -> bool:
    """Whether some layer is dead from the start, whatever the seed."""
    limit = tuned(DeadRelu, thresholds).share.value
    return _smallest_worst(statistics, "dead_fraction") >= limit


def _is_rarely_active(statistics: Statistics, thresholds: Thresholds) -> bool:
    """Whether some layer is off for nearly all inputs: the rest may revive it."""
    limit = tuned(DeadRelu, thresholds).active.value
    shares = np.nan_to_num(statistics.at_start("active_fraction"), nan=1.0)
    return bool(np.max(np.min(shares, axis=1, initial=1.0)) < limit)


def _is_saturated(statistics: Statistics, thresholds: Thresholds) -> bool:
    limit = tuned(SaturatedActivation, thresholds).share.value
    return _smallest_worst(statistics, "saturated_fraction") >= limit


def _smallest_worst(statistics: Statistics, name: str) -> float:
    """The share of the worst layer, in the seed where that is smallest."""
    shares = np.nan_to_num(statistics.at_start(name), nan=0.0)
    return float(np.min(np.max(shares, axis=1, initial=0.0)))


def _sound(diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis of a start without fault."""
    summary = "Healthy at the start: the gradient reaches every layer."
    # With one layer there is no depth over which a gradient could be lost.
    return replace(diagnosis, verdict="healthy", summary=summary, notes=())


def _result(
    diagnosis: Diagnosis, look: _Look, theory: Theory, notes: Sequence[str]
) -> Result:
    seeds = [trace.context.seed for trace in look.traces]
    environment = Environment(
        versions={"gradhealth": __version__, "numpy": np.__version__},
        device="cpu" if look.by == "initialisation" else "",
        seeds=[seed for seed in seeds if seed is not None],
    )
    return assemble(
        replace(diagnosis, notes=()),
        look.traces,
        theory=theory,
        notes=[*notes, *theory.caveats],
        environment=environment,
    )


def _open(why: str, theory: Theory, look: _Look | None = None) -> Result:
    """Nothing was decided; what was seen is shown."""
    undecided = Diagnosis(
        "insufficient_data",
        None,
        f"Not decided without training. {why}. {_FULL}",
        (),
        (),
    )
    if look is None:
        return Result(
            verdict=undecided.verdict, summary=undecided.summary, theory=theory
        )
    return _result(undecided, look, theory, [])
