"""What mean-field theory alone says of a network: no training, no torch, at once."""

import numpy as np

from .architecture.initialisation import notes_on_rules
from .architecture.network import Network
from .architecture.targets import needed_lag
from .detectors.tuned import DEFAULTS, Thresholds
from .diagnosis import diagnose
from .layers.recurrent import Recurrent
from .schemas.analysis import Result, Theory
from .schemas.trace import Context, Trace, TracedLayer
from .theory.gains import predict

NOTE = (
    "Predicted from the spec, nothing was trained: whether the learning rate, the data "
    "and the number of steps let it learn is not judged."
)
NEEDED = "Nothing was trained: send it with kind 'architecture' for a measurement."


def forecast(network: Network, thresholds: Thresholds = DEFAULTS) -> Result:
    """The prediction, where it does not hold, and the verdict it gives.

    The predicted gains are judged by the detectors that judge measured ones, so the
    thresholds and causes are the same. Harm is not for theory to see: what it finds is
    a warning, of half the confidence that a measurement of both would have.
    """
    theory = predict(network)
    if theory.backward_gain is None:
        return Result(
            verdict="insufficient_data",
            summary=f"Theory has no prediction for this network. {NEEDED}",
            theory=theory,
            notes=_notes(network, theory),
        )
    diagnosis = diagnose([trace_of(theory, network)], network, thresholds)
    is_open = diagnosis.verdict == "insufficient_data"
    return Result(
        verdict=diagnosis.verdict,
        primary=diagnosis.primary,
        summary=_of_one_layer(theory) if is_open else diagnosis.summary,
        findings=list(diagnosis.findings),
        theory=theory,
        notes=[NOTE, *_notes(network, theory)],
    )


def _notes(network: Network, theory: Theory) -> list[str]:
    on_rules = notes_on_rules(network.spec.init, list(network.walk()))
    return [*on_rules, *theory.caveats]


def _of_one_layer(theory: Theory) -> str:
    if theory.temporal_factor is None:
        return f"One layer has no depth over which a gradient could vanish. {NEEDED}"
    return (
        f"Theory predicts that a step back in time leaves {theory.temporal_factor:.3g} "
        "of the gradient; whether that is enough depends on a lag that the task does "
        f"not say. {NEEDED}"
    )


def trace_of(theory: Theory, network: Network) -> Trace:
    """The prediction as the first state of a run."""
    layers = tuple(
        TracedLayer(path=node.path, type=node.layer.kind) for node in network.stations
    )
    gains = [layer.backward_gain or 0.0 for layer in theory.layers]
    factor = theory.temporal_factor
    lags = np.arange(1, _num_time_steps(network) + 1 if factor is not None else 1)
    with np.errstate(over="ignore"):
        temporal = np.float64(factor or 1.0) ** (lags - 1)
    return Trace(
        run="theory",
        layers=layers,
        steps=np.zeros(1, np.int64),
        series={},
        layer_series={"backward_gain": np.ma.masked_array([gains])},
        context=Context(source_format="theory", lag=needed_lag(network.goal)),
        lags=lags,
        lag_series={"temporal_gain": np.ma.masked_array(temporal)} if len(lags) else {},
    )


def _num_time_steps(network: Network) -> int:
    """Of the longest sequence that a recurrent layer reads."""
    nodes = network.walk()
    return max(n.input.dims[0] for n in nodes if isinstance(n.layer, Recurrent))
