"""Recurrent layers: stacks of cells, followed back through time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..architecture.expansion import Node
from ..layers.base import Shape
from ..layers.recurrent import GRU, LSTM, RNN, Recurrent
from .activations import Values
from .cells import CELLS, Cell, Gates
from .flow import MAX_TAPS, Flow, Pull, at_last, chain, log, meet
from .laws import Law
from .mean_field import Rule, Step, Walk, Weights
from .moments import Moments
from .units import DROPOUT, dropped

STACKED = (
    "the factor a step is of one recurrent layer; of several on top of one another "
    "more is left, as a gradient may step back in any of them"
)
# Time steps that a gradient is followed back.
MAX_LAGS = 1024


def recurrent(node: Node, moments: Moments, walk: Walk) -> Step:
    """A stack of recurrent layers, each in one direction or both."""
    layer = node.layer
    assert isinstance(layer, Recurrent)
    length = node.input.dims[0]
    pulls: list[Pull] = []
    growths: list[float] = []
    for index in range(layer.num_layers):
        if index and layer.dropout:
            walk.note(DROPOUT)
            moments, pull = dropped(moments, layer.dropout)
            pulls.append(pull)
        tails = (f"l{index}", f"l{index}_reverse")[: layer.num_directions]
        cells = [
            CELLS[type(layer)](layer, _gates(node, tail, walk), moments, length)
            for tail in tails
        ]
        num_steps = max(1, min(length, MAX_LAGS) - 1)
        growths += [cell.growth(num_steps) for cell in cells]
        pulls.append(_through_time(cells))
        moments = _side_by_side(cells)
    if layer.num_layers > 1 or walk.temporal:
        walk.note(STACKED)
    walk.temporal.append(max(growths))
    if layer.returns == "last":
        pulls.append(lambda flow: flow.at([at_last(length)]))
    return moments, chain(pulls)


def _gates(node: Node, tail: str, walk: Walk) -> Gates:
    layer = node.layer
    assert isinstance(layer, Recurrent)
    other_shape, own_shape = (
        node.parameters[f"weight_{name}_{tail}"] for name in ("ih", "hh")
    )
    other = _weights(walk.law(node, f"weight_ih_{tail}"), other_shape)
    own = _weights(walk.law(node, f"weight_hh_{tail}"), own_shape)
    projected = f"weight_hr_{tail}" in node.parameters
    out = _weights(
        walk.law(node, f"weight_hr_{tail}"), (own_shape[1], layer.hidden_size)
    )
    for weights in (other, own, out) if projected else (other, own):
        weights.check(node.path)
    if own.law.identity:
        walk.note(
            f"{node.path}: the recurrent weights are the identity: units remember on "
            "their own, and the factor is that of a unit that stays active"
        )
    return Gates(
        own=own.gain(1.0),
        other=other.gain(1.0),
        biases=tuple(_bias(node, tail, gate, walk) for gate in range(layer.num_gates)),
        projection=out.gain(1.0) if projected else 1.0,
        remembers=bool(own.law.identity),
    )


def _weights(law: Law, shape: Shape) -> Weights:
    num_outputs, num_inputs = shape
    return Weights(law, num_inputs, num_inputs, num_outputs)


def _bias(node: Node, tail: str, gate: int, walk: Walk) -> Law:
    """Of b_ih + b_hh."""
    ih, hh = (walk.law(node, f"bias_{name}_{tail}", gate=gate) for name in ("ih", "hh"))
    return Law(ih.mean + hh.mean, ih.variance + hh.variance)


def _through_time(cells: Sequence[Cell]) -> Pull:
    """From all outputs of a layer to all its inputs."""

    def pull(flow: Flow) -> Flow:
        flow = flow.times(1 / len(cells))
        paths = []
        for index, cell in enumerate(cells):
            order = slice(None, None, -1 if index else 1)  # the second reads backwards
            log_energy, energies = _unrolled(flow.profile[0][order], cell)
            path = flow.times(cell.emitted)
            path = replace(path, log_energy=path.log_energy + log_energy)
            paths.append(path.at([energies[order]]).turned(0.0))
        return meet(flow, paths)

    return pull


def _unrolled(profile: Values, cell: Cell) -> tuple[float, Values]:
    """What arrives at each time from it and all later ones.

    Returns:
        ln of the whole per energy of the profile, and its distribution over time.
    """
    num_lags = min(len(profile), MAX_LAGS)
    logs = cell.log_energies(num_lags)
    highest = float(logs.max())
    by_lag = np.exp(logs - highest)
    if len(profile) * num_lags > MAX_TAPS:
        # So long a sequence counts as if all energy were at its last step.
        energies = np.zeros(len(profile))
        energies[-num_lags:] = by_lag[::-1]
    else:
        energies = np.convolve(profile[::-1], by_lag)[: len(profile)][::-1]
    total = float(energies.sum())
    return highest + log(total), energies


def _side_by_side(cells: Sequence[Cell]) -> Moments:
    """The output of all directions."""
    first, last = cells[0].output, cells[-1].output
    return Moments(
        (first.mean + last.mean) / 2,
        (first.variance + last.variance) / 2,
        (first.covariance + last.covariance) / 2,
    )


RULES: Mapping[type[Any], Rule] = {RNN: recurrent, LSTM: recurrent, GRU: recurrent}
