"""Recurrent cells: what the gradient gains or loses from step to step.

A time step is a layer of a deep network (Pascanu 2013; Chen 2018 give the mean-field
theory of gated cells), except that every step has the same weights. A plain RNN does
not notice. In a gated cell a gradient can wait in the memory before it passes the
weights, and all the orders in which it may do so arrive at the same vector: they add
up in amplitude, not in energy.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from ..layers.recurrent import GRU, LSTM, RNN, Recurrent
from .activations import RELU, SIGMOID, TANH, Curve, Values
from .averages import Averages, averages
from .flow import log
from .laws import Law
from .moments import Moments

# What a cell's moments are settled by: plain numbers, the slowest first.
State: TypeAlias = tuple[float, ...]
# Steps after which a state counts as settled, or a change that does.
MAX_SETTLING, SETTLED = 64, 1e-4


@dataclass(frozen=True, slots=True)
class Unit:
    """A gate's output.

    Attributes:
        averages: Over units and time.
        correlation: Of its pre-activation at two times.
    """

    averages: Averages
    correlation: float

    @property
    def square(self) -> float:
        """E[g^2]."""
        return self.averages.square

    @property
    def lasting(self) -> float:
        """E[g_t g_s] of two times: the part that is always the same."""
        return self.averages.pair(self.correlation)


@dataclass(frozen=True, slots=True)
class Gates:
    """The weights of one layer and direction.

    Attributes:
        own: sigma_w^2 of the recurrent weights.
        other: sigma_w^2 of the input weights.
        biases: Law of b_ih + b_hh, by gate.
        projection: sigma_w^2 of the output's projection; 1 without.
        remembers: The recurrent weights are the identity.
    """

    own: float
    other: float
    biases: tuple[Law, ...]
    projection: float
    remembers: bool

    def unit(
        self, curve: Curve, gate: int, x: Moments, h: Moments, reset: float = 1.0
    ) -> Unit:
        """A gate, by the input and the output before, whose square `reset` scales."""
        bias = self.biases[gate]
        own = self.own * reset
        variance = self.other * x.square + own * h.square + bias.variance
        lasting = self.other * x.product + own * h.product + bias.variance
        correlation = min(1.0, lasting / variance) if variance > 0 else 1.0
        return Unit(averages(curve, bias.mean, variance), correlation)


@dataclass(frozen=True, slots=True)
class Cell:
    """A settled cell, as the gradient's energy sees it.

    Attributes:
        output: Moments of its output; two samples stand for two times.
        kept: Energy that stays in the memory in a step.
        coherent: Energy that passes the weights with factors that last in time.
        incoherent: Energy that passes with factors that change from step to step.
        emitted: Energy at the input per energy at the output of the same step.
    """

    output: Moments
    kept: float
    coherent: float
    incoherent: float
    emitted: float

    def log_energies(self, num_lags: int) -> Values:
        """The gradient's energy 0, 1, ... steps before, ln, relative to lag 0."""
        return _log_energies(self.kept, self.coherent, self.incoherent, num_lags)

    def growth(self, num_steps: int) -> float:
        """Factor on the gradient's norm per step, on average over `num_steps`."""
        return math.exp(self.log_energies(num_steps + 1)[-1] / 2 / num_steps)


@lru_cache(maxsize=256)
def _log_energies(
    kept: float, coherent: float, incoherent: float, num_lags: int
) -> Values:
    """Energies of a cell by lag.

    Of n steps, j pass the weights in C(n, j) orders, so e_n = sum_j C(n, j)^2
    kept^(n-j) coherent^j: a Legendre polynomial, followed by its recursion.
    """
    total, difference = kept + coherent, kept - coherent
    logs = np.zeros(num_lags)
    ratio = total
    for lag in range(1, num_lags):
        logs[lag] = logs[lag - 1] + log(ratio + incoherent)
        if ratio > 0:
            before = lag * difference * difference / ratio
            ratio = ((2 * lag + 1) * total - before) / (lag + 1)
    return logs


def _rnn(layer: Recurrent, gates: Gates, x: Moments, length: int) -> Cell:
    assert isinstance(layer, RNN)
    curve = RELU if layer.nonlinearity == "relu" else TANH

    def step(state: State) -> State:
        unit = gates.unit(curve, 0, x, _moments(state))
        value = unit.averages.value
        return unit.square - value * value, unit.lasting - value * value, value

    h = _moments(_settled(step, (0.0, 0.0, 0.0), length))
    slope = gates.unit(curve, 0, x, h).averages.slope_square
    # A rectified unit that remembers stays on, with slope 1.
    recurrent = gates.own * (1.0 if gates.remembers and curve is RELU else slope)
    return Cell(
        output=h,
        kept=recurrent if gates.remembers else 0.0,
        coherent=0.0 if gates.remembers else recurrent,
        incoherent=0.0,
        emitted=gates.other * slope,
    )


def _moments(state: State) -> Moments:
    variance, covariance, mean = state
    return Moments(mean, variance, covariance)


def _lstm_state(gates: Gates, x: Moments, length: int) -> tuple[float, Moments]:
    """Square of the settled memory, and moments of the output."""

    def read(changing: float, lasting: float, opened: Unit) -> Moments:
        """The output, by the two parts of the memory's square."""
        memory = averages(TANH, 0.0, changing + lasting)
        alike = lasting / (changing + lasting) if lasting > 0 else 0.0
        pair = opened.lasting * memory.pair(alike)
        scale = gates.projection
        return Moments(0.0, scale * opened.square * memory.square, scale * pair)

    def step(state: State) -> State:
        changing, amplitude, variance, covariance = state
        h = Moments(0.0, variance, covariance)
        taken, kept, opened = (gates.unit(SIGMOID, i, x, h) for i in (0, 1, 3))
        new = gates.unit(TANH, 2, x, h)
        # What is new in every step adds up in squares, what lasts in amplitude.
        lasting = taken.lasting * new.lasting
        changing = kept.square * changing + taken.square * new.square - lasting
        amplitude = kept.averages.value * amplitude + math.sqrt(max(0.0, lasting))
        h = read(changing, amplitude * amplitude, opened)
        return changing, amplitude, h.variance, h.covariance

    changing, amplitude, variance, covariance = _settled(step, (0.0,) * 4, length)
    return changing + amplitude * amplitude, Moments(0.0, variance, covariance)


def _lstm(_layer: Recurrent, gates: Gates, x: Moments, length: int) -> Cell:
    memory, h = _lstm_state(gates, x, length)
    taken, kept, opened = (
        gates.unit(SIGMOID, gate, x, h).averages for gate in (0, 1, 3)
    )
    new = gates.unit(TANH, 2, x, h).averages
    shown = averages(TANH, 0.0, memory)
    to_memory = gates.projection * opened.square * shown.slope_square
    lasting = to_memory * taken.square * new.slope_square
    changing = (
        to_memory * (memory * kept.slope_square + new.square * taken.slope_square)
        + gates.projection * shown.square * opened.slope_square
    )
    return Cell(
        output=h,
        kept=kept.square,
        coherent=gates.own * lasting,
        incoherent=gates.own * changing,
        emitted=gates.other * (lasting + changing),
    )


def _gru(_layer: Recurrent, gates: Gates, x: Moments, length: int) -> Cell:
    def units(h: Moments) -> tuple[Unit, Unit, Unit, float]:
        reset, kept = (gates.unit(SIGMOID, gate, x, h) for gate in (0, 1))
        new = gates.unit(TANH, 2, x, h, reset.square)
        return reset, kept, new, 1 - 2 * kept.averages.value + kept.square

    def step(state: State) -> State:
        changing, amplitude = state
        h = Moments(0.0, changing + amplitude * amplitude, amplitude * amplitude)
        _, kept, new, taken = units(h)
        value = kept.averages.value
        lasting = max(0.0, new.lasting)
        changing = kept.square * changing + taken * max(0.0, new.square - lasting)
        return changing, value * amplitude + (1 - value) * math.sqrt(lasting)

    changing, amplitude = _settled(step, (0.0, 0.0), length)
    h = Moments(0.0, changing + amplitude * amplitude, amplitude * amplitude)
    reset, kept, new, taken = units(h)
    slope = taken * new.averages.slope_square
    lasting = slope * reset.square
    mixing = kept.averages.slope_square * (h.square + new.square)
    resetting = slope * reset.averages.slope_square * gates.own * h.square
    return Cell(
        output=h,
        kept=kept.square,
        coherent=gates.own * lasting,
        incoherent=gates.own * (mixing + resetting),
        emitted=gates.other * (slope + mixing + resetting),
    )


def _settled(step: Callable[[State], State], state: State, length: int) -> State:
    """The state after `length` steps, or once it no longer changes."""
    for _ in range(min(length, MAX_SETTLING)):
        before, state = state, step(state)
        if all(
            abs(new - old) <= SETTLED * abs(new)
            for new, old in zip(state, before, strict=True)
        ):
            break
    return state


CELLS: Mapping[type[Any], Callable[[Recurrent, Gates, Moments, int], Cell]] = {
    RNN: _rnn,
    LSTM: _lstm,
    GRU: _gru,
}
