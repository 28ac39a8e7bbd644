"""What a layer is to the core: fields, shape rule and shapes of its parameters."""

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from ..documents.base import Document

Size = Annotated[int, Field(ge=1, le=2**31)]
Count = Annotated[int, Field(ge=0, le=2**31)]
Probability = Annotated[float, Field(ge=0, le=1)]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """What flows between two layers, without the batch axis.

    Attributes:
        dims: `(features,)`, `(length, features)`, `(channels, height, width)` or
            `(channels, depth, height, width)`; `(length,)` for tokens.
        vocab_size: Number of different tokens; null for real numbers.
    """

    dims: Shape
    vocab_size: int | None = None

    @property
    def size(self) -> int:
        """Number of elements of one sample."""
        return math.prod(self.dims)

    @property
    def is_tokens(self) -> bool:
        """Whether the elements are token numbers."""
        return self.vocab_size is not None

    @property
    def channel_axis(self) -> int:
        """Axis of the features: the last of a sequence, the first of an image."""
        return len(self.dims) - 1 if len(self.dims) <= 2 else 0  # noqa: PLR2004 -- rank of a sequence

    @property
    def channels(self) -> int:
        """Number of features, or of channels."""
        return self.dims[self.channel_axis]

    def with_channels(self, channels: int) -> "Signal":
        """The same signal with another number of features or channels."""
        dims = list(self.dims)
        dims[self.channel_axis] = channels
        return Signal(tuple(dims))

    def __str__(self) -> str:
        if self.is_tokens:
            return f"{self.dims[0]} tokens of {self.vocab_size}"
        return str(list(self.dims))


class ShapeError(ValueError):
    """A layer that does not fit the signal before it.

    Attributes:
        key: The layer's key to blame, or null for the layer as a whole.
    """

    def __init__(self, message: str, key: str | None = None) -> None:
        self.key = key
        super().__init__(message)


class Layer(Document):
    """One layer: its keys are its torch.nn class's arguments, with torch's defaults.

    `station` marks the layers at whose output (at top level) the backward gain is
    measured: before the activation, along the trunk.
    """

    station: ClassVar[bool] = False
    takes_tokens: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        """The layer's canonical type name (aliases resolved)."""
        return type(self).__name__

    @abstractmethod
    def output(self, signal: Signal) -> Signal:
        """The signal after this layer.

        Raises:
            ShapeError: The layer does not fit `signal`.
        """

    def parameters(self, signal: Signal) -> dict[str, Shape]:  # noqa: ARG002 -- most layers have none
        """Names (torch's) and shapes of the learned parameters."""
        return {}


class Composite(Layer):
    """A layer made of layers."""

    def output(self, signal: Signal) -> Signal:
        """Composites are folded with their children: see `output_through`."""
        raise NotImplementedError

    @abstractmethod
    def output_through(self, signal: Signal, resolve: "Resolve") -> Signal:
        """The signal after this layer, resolving the children on the way.

        Args:
            signal: What enters the layer.
            resolve: Called as `resolve(slot, entries, signal)` for each sequence of
                children, where `slot` is its part of the path (`body`,
                `branches.0`); returns the signal after the sequence.

        Raises:
            ShapeError: The children do not fit each other.
        """


Resolve = Callable[[str, Sequence[Any], Signal], Signal]


def agree(key: str, given: int | None, actual: int, signal: Signal) -> None:
    """Raises ShapeError when a size that follows from the shape was given wrongly."""
    if given is not None and given != actual:
        raise ShapeError(
            f"{key} is {given}, but the input here is {signal}: "
            f"write {actual} or leave {key} out",
            key,
        )


def require_rank(signal: Signal, ranks: Sequence[int], wanted: str, name: str) -> None:
    """Raises ShapeError unless the signal has one of the ranks."""
    if signal.is_tokens:
        raise ShapeError(f"{name} cannot take {signal}: put an Embedding before it")
    if len(signal.dims) not in ranks:
        raise ShapeError(f"{name} needs {wanted}, but the input here is {signal}")


def per_axis(value: int | Sequence[int], num_axes: int, key: str) -> Shape:
    """One number for every axis, or one each.

    Raises:
        ShapeError: A list of another length.
    """
    if isinstance(value, int):
        return (value,) * num_axes
    if len(value) != num_axes:
        raise ShapeError(
            f"{key} has {len(value)} numbers; write one, or one for each of "
            f"{num_axes} axes",
            key,
        )
    return tuple(value)
