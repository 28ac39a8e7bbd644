"""Propagates moments through a network, and gradients back (Schoenholz 2017).

Weights are wide and random, so pre-activations are Gaussian; gradients are taken as
independent of the weights they meet. Each layer gives its output's moments and a
`Pull`, which brings the energy of a gradient from its output to its input.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, TypeAlias

from ..architecture.expansion import Node
from ..layers.base import Signal, per_axis
from ..layers.pool import MaxPool1d, MaxPool2d
from ..schemas.training import InitRule
from .activations import Curve
from .averages import averages
from .flow import Flow, Pull
from .initial import law_of
from .laws import Law
from .moments import Moments

Step: TypeAlias = tuple[Moments, Pull]
Rule: TypeAlias = Callable[[Node, Moments, "Walk"], Step]

# |mean| * sqrt(fan_in) of weights over their standard deviation: above it their mean
# moves more of the signal than their spread.
MAX_WEIGHT_BIAS = 0.1


class UnpredictableError(Exception):
    """Mean-field theory says nothing about a layer; the message says why."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One passage through a network.

    Attributes:
        rules: How to pass each type of layer.
        init: The spec's init rules.
        batch_size: Samples that batch normalisation sees together.
        largest: The largest number of the training's precision.
        window: How many elements the next layer takes the largest of.
        caveats: Where the prediction is rough; filled on the way.
        temporal: Growth of the gradient per time step in each recurrent layer;
            filled on the way.
    """

    rules: Mapping[type[Any], Rule]
    init: Sequence[InitRule]
    batch_size: int
    largest: float
    window: int = 1
    caveats: list[str] = field(default_factory=list)
    temporal: list[float] = field(default_factory=list)

    def through(self, nodes: Sequence[Node], moments: Moments) -> list[Step]:
        """Passes layers in sequence; one step each.

        Raises:
            UnpredictableError: A layer that theory does not cover.
        """
        steps = []
        for node, following in pairwise([*nodes, None]):
            assert node is not None
            step = self._step(node, moments, _window(following))
            self._check_range(node, moments, step[0])
            moments = step[0]
            steps.append(step)
        return steps

    def _check_range(self, node: Node, before: Moments, after: Moments) -> None:
        """Refuses what is not finite; notes where the training's precision ends."""
        if not math.isfinite(after.square):
            raise UnpredictableError(
                f"{node.path}: the signal's variance leaves the range of numbers"
            )
        limit = self.largest * self.largest
        if before.square <= limit < after.square:
            self.note(
                f"{node.path}: the signal is larger than {self.largest:.2g}, the "
                "largest number of the training's precision"
            )

    def _step(self, node: Node, moments: Moments, window: int) -> Step:
        rule = self.rules.get(type(node.layer))
        if rule is None:
            raise UnpredictableError(
                f"{node.path}: mean-field theory has no rule for {node.layer.kind}"
            )
        return rule(node, moments, replace(self, window=window))

    def law(self, node: Node, parameter: str, *, gate: int | None = None) -> Law:
        """How a parameter of the node is distributed at the start."""
        return law_of(self.init, node, parameter, gate=gate)

    def note(self, caveat: str) -> None:
        """Adds a caveat, once."""
        if caveat not in self.caveats:
            self.caveats.append(caveat)


def _window(following: Node | None) -> int:
    """Elements in the window of a max pool; 1 when none follows."""
    if following is None or not isinstance(following.layer, MaxPool1d | MaxPool2d):
        return 1
    layer = following.layer
    return math.prod(per_axis(layer.kernel_size, layer.num_axes, "kernel_size"))


@dataclass(frozen=True, slots=True)
class Weights:
    """A linear map with random weights.

    Attributes:
        num_terms: Products that one output sums, where no border cuts them off.
        taps: How many of them come from different positions of the same channel.
        num_inputs: Elements of the input, in a sample.
        num_outputs: Elements of the output.
    """

    law: Law
    num_terms: float
    num_inputs: int
    num_outputs: int
    taps: int = 1

    def gain(self, square: float) -> float:
        """sigma_w^2: the output's E[y^2] per `square`, the input's."""
        if self.law.output_std:
            return self.law.output_std * self.law.output_std / square if square else 0.0
        if self.law.identity:
            return self.law.identity * self.law.identity
        return self.num_terms * self.law.variance

    def check(self, path: str) -> None:
        """Raises UnpredictableError when the weights' mean is not 0."""
        mean, std = abs(self.law.mean), math.sqrt(self.law.variance)
        if std == 0 < mean:
            raise UnpredictableError(
                f"{path}: the weights all start equal, so every unit computes the same"
            )
        if mean * math.sqrt(self.num_terms) > MAX_WEIGHT_BIAS * std:
            raise UnpredictableError(
                f"{path}: the weights' mean is not 0, and theory needs it to be"
            )


def weighted(moments: Moments, weights: Weights, bias: Law, share: float = 1) -> Step:
    """Passes a linear map.

    Args:
        moments: Of its input.
        weights: What it multiplies with.
        bias: What it adds.
        share: Mean share of the terms that lie inside the borders; for an identity,
            of the outputs that it reaches.
    """
    gain = weights.gain(moments.square * share)
    carried = weights.law.identity * share * moments.mean
    # E[(w.x)^2] and E[(w.x_a)(w.x_b)], less the square of the mean.
    shift = bias.variance - carried * carried
    output = Moments(
        carried + bias.mean,
        gain * share * moments.square + shift,
        gain * share * moments.product + shift,
    )
    if weights.law.identity:
        return output, lambda flow: flow.times(gain)
    # The weights know the input by its product with them: a gradient along the output
    # is brought to the input's own direction, and all others to random ones.
    resize = weights.num_outputs / weights.num_inputs
    random = gain / weights.num_inputs
    mapped = _ratio(gain * moments.square, math.sqrt(output.square * moments.square))
    mapped *= math.sqrt(resize)

    def pull(flow: Flow) -> Flow:
        along = flow.alignment * mapped
        # No gradient is less aligned than a random one.
        energy = gain - random + max(along * along, random)
        flow = flow.times(energy).turned(_ratio(along, math.sqrt(energy)))
        if weights.law.orthogonal:
            return flow
        noise = 2 * flow.purity / weights.num_terms
        mixing = weights.taps / weights.num_terms
        return replace(flow, purity=flow.purity / weights.taps).shaken(noise, mixing)

    return output, pull


def elementwise(
    moments: Moments,
    curve: Curve,
    signal: Signal,
    largest_of: int = 1,
) -> Step:
    """Passes an activation.

    Args:
        moments: Of the pre-activation, taken as Gaussian.
        curve: The activation.
        signal: Shape of what passes.
        largest_of: Size of the max pool's window behind it, if there is one.
    """
    mean = averages(curve, moments.mean, max(0.0, moments.variance), largest_of)
    value = mean.value
    output = Moments(
        value,
        max(0.0, mean.square - value * value),
        mean.pair(moments.correlation) - value * value,
    )
    chi = mean.slope_square
    # Relative variance of the slopes' squares, as far as the samples share it: units
    # that are off for all samples alike are the ones that do not average out.
    uneven = _ratio(mean.slope_fourth, chi * chi) - 1
    shared = max(0.0, uneven * mean.slope_overlap(moments.correlation))
    # A gradient along the output, and one across it.
    along = _ratio(mean.slope_value, mean.square)
    across = (signal.size * chi - along) / max(1, signal.size - 1)
    mapped = _ratio(mean.carried, math.sqrt(mean.square * moments.square))

    def pull(flow: Flow) -> Flow:
        share = max(flow.alignment * flow.alignment, 1 / signal.size)
        energy = max(0.0, (1 - share) * across + share * along)
        cosine = _ratio(flow.alignment * mapped, math.sqrt(energy))
        noise = shared * (1 + 2 * flow.purity) / signal.channels
        return flow.times(energy).turned(cosine).shaken(noise, noise)

    return output, pull


def _ratio(value: float, scale: float) -> float:
    """Their quotient, 0 where there is no scale."""
    return value / scale if scale > 0 else 0.0
