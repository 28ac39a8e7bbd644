"""What fixes of recurrent networks share: how far back to remember, and Adam."""

import math
from collections.abc import Mapping
from typing import Any

from ..architecture.network import Network, Node
from ..layers.recurrent import Recurrent
from ..schemas.data import Recall
from ..schemas.training import SGD
from .edits import with_training
from .rates import ADAPTIVE_RATE

# Gate biases below 3 forget within 20 steps; above 5 the gate hardly moves any more.
MIN_GATE_BIAS, MAX_GATE_BIAS = 3.0, 5.0
# Gradients through long time come in bursts.
MAX_NORM = 1.0


def recurrent_nodes(network: Network) -> list[Node]:
    """Every RNN, LSTM and GRU."""
    return [node for node in network.walk() if isinstance(node.layer, Recurrent)]


def gate_bias(network: Network) -> float:
    """A forget-gate bias that remembers for as long as the task needs.

    sigmoid(ln T) = 1 - 1/(T + 1): the memory decays over about T steps (Tallec &
    Ollivier 2018). T is the task's lag, or the length of the sequence.
    """
    data = network.goal.data
    if isinstance(data, Recall) and data.lag is not None:
        lag = data.lag
    else:
        lag = max(node.input.dims[0] for node in recurrent_nodes(network))
    return min(max(float(math.ceil(math.log(lag))), MIN_GATE_BIAS), MAX_GATE_BIAS)


def with_steady_steps(document: Mapping[str, Any], network: Network) -> dict[str, Any]:
    """SGD replaced by Adam with clipped gradients; another optimizer stays."""
    if not isinstance(network.spec.training.optimizer, SGD):
        return dict(document)
    adam = {"type": "Adam", "lr": ADAPTIVE_RATE}
    return with_training(document, optimizer=adam, clip_grad_norm=MAX_NORM)
