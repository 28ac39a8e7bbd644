"""Layers made of layers: repetition, skips, gates and parallel branches."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from ..documents.base import Document
from .base import Composite, Layer, Resolve, Shape, ShapeError, Signal
from .conv import Conv1d, Conv2d, Conv3d
from .linear import Linear

if TYPE_CHECKING:  # the union of all layers exists only once every folder is read
    Entry: TypeAlias = "Layer | Repeat | Ref"


class Repeat(Document):
    """The body, n times in a row."""

    repeat: Annotated[int, Field(ge=1, le=10**9)]
    body: Annotated[list["Entry"], Field(min_length=1)]


class Ref(Document):
    """A body of `define`, with its parameters filled in."""

    ref: str
    args: dict[str, Any] = {}


class Residual(Composite):
    """y = post(shortcut(x) + scale * body(x)) (He 2016).

    The automatic shortcut is the identity where the shapes agree, else a Linear or
    a 1x1 convolution without bias whose stride is the ratio of the sizes.
    """

    type: Literal["Residual"] = "Residual"
    body: Annotated[list["Entry"], Field(min_length=1)]
    shortcut: Literal["auto"] | list["Entry"] = "auto"
    scale: float = 1.0
    learn_scale: bool = False
    post: list["Entry"] = []

    station: ClassVar[bool] = True

    def output_through(self, signal: Signal, resolve: Resolve) -> Signal:
        branch = resolve("body", self.body, signal)
        shortcut = self.shortcut
        if isinstance(shortcut, str):
            shortcut = self.projection(signal, branch)
        carried = resolve("shortcut", shortcut, signal)
        if carried != branch:
            raise ShapeError(
                f"body gives {branch}, but the shortcut gives {carried}: make them "
                'agree, or write "shortcut": "auto"'
            )
        return resolve("post", self.post, branch)

    @staticmethod
    def projection(signal: Signal, branch: Signal) -> list["Entry"]:
        """The automatic shortcut from `signal` to the shape of `branch`."""
        if signal == branch:
            return []
        if len(signal.dims) != len(branch.dims):
            raise ShapeError(
                f"body turns {signal} into {branch}: no shortcut follows, write one"
            )
        if len(signal.dims) <= 2 and signal.dims[:-1] == branch.dims[:-1]:  # noqa: PLR2004 -- rank of a sequence
            return [Linear(out_features=branch.channels, bias=False)]
        strides = _strides(signal, branch)
        conv = {1: Conv1d, 2: Conv2d, 3: Conv3d}[len(strides)]
        return [
            conv(
                out_channels=branch.channels,
                kernel_size=1,
                stride=strides,
                bias=False,
            )
        ]

    def parameters(self, signal: Signal) -> dict[str, Shape]:  # noqa: ARG002 -- a scalar
        return {"scale": ()} if self.learn_scale else {}


def _strides(signal: Signal, branch: Signal) -> list[int]:
    """Strides of a 1x1 convolution from one size to the other."""
    axis = signal.channel_axis
    before = signal.dims[:axis] + signal.dims[axis + 1 :]
    after = branch.dims[:axis] + branch.dims[axis + 1 :]
    strides = [-(-b // a) for b, a in zip(before, after, strict=True)]
    for size, wanted, stride in zip(before, after, strides, strict=True):
        if (size - 1) // stride + 1 != wanted:
            raise ShapeError(
                f"body turns {signal} into {branch}: no stride leads there, write a "
                "shortcut"
            )
    return strides


class Highway(Composite):
    """t * body(x) + (1 - t) * x with t = sigmoid(Linear(x)) (Srivastava 2015)."""

    type: Literal["Highway"] = "Highway"
    body: Annotated[list["Entry"], Field(min_length=1)]
    gate_bias: float = -1.0

    station: ClassVar[bool] = True

    def output_through(self, signal: Signal, resolve: Resolve) -> Signal:
        branch = resolve("body", self.body, signal)
        if branch != signal:
            raise ShapeError(
                f"Highway's body must keep the shape {signal}, but gives {branch}"
            )
        return signal

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        width = signal.dims[-1]
        return {"gate.weight": (width, width), "gate.bias": (width,)}


class Parallel(Composite):
    """Several branches of the same input, merged."""

    type: Literal["Parallel"] = "Parallel"
    branches: Annotated[list[list["Entry"]], Field(min_length=1)]
    merge: Literal["add", "mul", "cat"] = "add"

    station: ClassVar[bool] = True

    def output_through(self, signal: Signal, resolve: Resolve) -> Signal:
        outputs = [
            resolve(f"branches.{index}", branch, signal)
            for index, branch in enumerate(self.branches)
        ]
        first = outputs[0]
        if self.merge == "cat":
            channels = sum(output.channels for output in outputs)
            joined = {output.with_channels(1) for output in outputs}
            if len(joined) == 1:
                return first.with_channels(channels)
        elif len(set(outputs)) == 1:
            return first
        shapes = ", ".join(str(output) for output in outputs)
        raise ShapeError(f'branches give {shapes}: "{self.merge}" needs equal shapes')
