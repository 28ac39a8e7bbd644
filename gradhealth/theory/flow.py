"""Backward statistics: the energy of a gradient on its way down the network."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..layers.base import Signal
from .activations import Values

# Beyond this many products an axis is so long that its borders do not matter.
MAX_TAPS = 2**22


@dataclass(frozen=True, slots=True)
class Flow:
    """The gradient with respect to one signal, for a random cotangent further on.

    Attributes:
        log_energy: ln of the expected squared norm over a sample.
        variance: Of ln(squared norm) over initialisations (Hanin & Nica 2019), of the
            mean over samples and cotangents.
        purity: tr(G^2) / tr(G)^2 of the gradients' Gram matrix G over samples: 1 over
            the number of directions they point to. One direction fluctuates most.
        profile: Share of the energy along each axis of space or time.
        alignment: Cosine with the signal itself, RMS with a sign. Where paths meet,
            what is aligned adds up in amplitude.
    """

    log_energy: float
    variance: float
    purity: float
    profile: tuple[Values, ...] = ()
    alignment: float = 0.0

    def times(self, gain: float) -> "Flow":
        """The flow with its energy multiplied by `gain`."""
        return replace(self, log_energy=self.log_energy + log(gain))

    def at(self, profile: Sequence[Values]) -> "Flow":
        """The flow distributed over space as `profile`, whose sums do not matter."""
        shares = tuple(axis / max(axis.sum(), np.finfo(float).tiny) for axis in profile)
        return replace(self, profile=shares)

    def turned(self, alignment: float) -> "Flow":
        """The flow as seen from another signal."""
        return replace(self, alignment=max(-1.0, min(1.0, alignment)))

    def shaken(self, noise: float, mixing: float) -> "Flow":
        """The flow after something random.

        Args:
            noise: Relative variance of the energy that it adds.
            mixing: Purity that it adds.
        """
        return replace(
            self,
            variance=self.variance + noise,
            purity=min(1.0, self.purity + mixing),
        )


Pull = Callable[[Flow], Flow]


def log(value: float) -> float:
    """ln, with -inf for 0."""
    return math.log(value) if value > 0 else -math.inf


def keep(flow: Flow) -> Flow:
    """The pull of a layer that changes nothing."""
    return flow


def chain(pulls: Sequence[Pull]) -> Pull:
    """The pull of layers one after the other, given from first to last."""

    def pull(flow: Flow) -> Flow:
        for step in reversed(pulls):
            flow = step(flow)
        return flow

    return pull


def meet(before: Flow, flows: Sequence[Flow]) -> Flow:
    """The sum of gradients at a fork of the forward path.

    Independent but for their parts along the signal.

    Args:
        before: What all of them came from: its fluctuation is common to them.
        flows: One for each path.
    """
    highest = max(flow.log_energy for flow in flows)
    if highest == -math.inf:
        return flows[0]
    energies = [math.exp(flow.log_energy - highest) for flow in flows]
    shares = [energy / sum(energies) for energy in energies]
    pairs = list(zip(shares, flows, strict=True))
    along = [math.sqrt(share) * flow.alignment for share, flow in pairs]
    total = max(0.0, 1 + sum(along) ** 2 - sum(part * part for part in along))
    own = sum(
        share * share * (flow.variance - before.variance) for share, flow in pairs
    )
    axes = zip(*(flow.profile for flow in flows), strict=True)
    met = Flow(
        log_energy=highest + log(sum(energies) * total),
        variance=before.variance + own,
        purity=sum(share * flow.purity for share, flow in pairs),
        profile=tuple(
            sum((s * axis for s, axis in zip(shares, parts, strict=True)), 0 * parts[0])
            for parts in axes
        ),
    )
    return met.turned(sum(along) / math.sqrt(total)) if total > 0 else met


def extents(signal: Signal) -> tuple[int, ...]:
    """Sizes of the axes of space or time."""
    axis = signal.channel_axis
    return signal.dims[:axis] + signal.dims[axis + 1 :]


def even(signal: Signal) -> tuple[Values, ...]:
    """A profile spread evenly over a signal."""
    return tuple(np.full(size, 1 / size) for size in extents(signal))


def at_last(length: int) -> Values:
    """A profile with everything at the last of `length` steps."""
    profile = np.zeros(length)
    profile[-1] = 1.0
    return profile


@dataclass(frozen=True, slots=True)
class Window:
    """A window along one axis: its taps, and how it moves."""

    taps: int
    stride: int
    padding: int
    dilation: int = 1

    def scatter(self, profile: Values, size: int) -> Values:
        """Energy on `size` inputs when each output sends its own to each tap.

        Taps in the padding are lost: the sum is the mean number of taps inside.
        """
        span = (len(profile) - 1) * self.stride + 1
        reach = max(self.padding + size, (self.taps - 1) * self.dilation + span)
        if max(reach, len(profile) * self.taps) > MAX_TAPS:
            return np.full(size, self.taps / size)
        padded = np.zeros(reach)
        for tap in range(self.taps):
            start = tap * self.dilation
            padded[start : start + span : self.stride] += profile
        return padded[self.padding : self.padding + size]

    def gather(self, profile: Values, size: int) -> Values:
        """The adjoint: energy on `size` inputs that collect from each tap."""
        span = (size - 1) * self.stride + 1
        reach = max(self.padding + len(profile), (self.taps - 1) * self.dilation + span)
        if max(reach, size * self.taps) > MAX_TAPS:
            return np.full(size, self.taps / len(profile))
        padded = np.zeros(reach)
        padded[self.padding : self.padding + len(profile)] = profile
        starts = [tap * self.dilation for tap in range(self.taps)]
        collected: Values = sum(
            (padded[start : start + span : self.stride] for start in starts),
            np.zeros(size),
        )
        return collected
