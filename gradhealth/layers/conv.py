"""Convolutions over length, images and volumes."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import (
    Count,
    Layer,
    Shape,
    ShapeError,
    Signal,
    Size,
    agree,
    per_axis,
    require_rank,
)

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
Sizes = Size | Annotated[list[Size], Field(min_length=1, max_length=3)]
Counts = Count | Annotated[list[Count], Field(min_length=1, max_length=3)]

INPUTS = {1: "[length, features]", 2: "[channels, height, width]"}
INPUTS[3] = "[channels, depth, height, width]"


def window_output(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> int:
    """Positions a sliding window takes along an axis (torch's own formula)."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


class _Conv(Layer):
    """Fields and shape rule shared by the three convolutions."""

    in_channels: Size | None = None
    out_channels: Size
    kernel_size: Sizes
    stride: Sizes = 1
    padding: Counts | Literal["same", "valid"] = 0
    dilation: Sizes = 1
    groups: Size = 1
    bias: bool = True
    padding_mode: PaddingMode = "zeros"

    station: ClassVar[bool] = True
    num_axes: ClassVar[int]

    def output(self, signal: Signal) -> Signal:
        axes = self.num_axes
        require_rank(signal, [axes + 1], INPUTS[axes], self.kind)
        agree("in_channels", self.in_channels, signal.channels, signal)
        self._check_groups(signal.channels)
        stride = per_axis(self.stride, axes, "stride")
        if self.padding == "same" and any(step != 1 for step in stride):
            raise ShapeError('padding "same" needs stride 1', "padding")
        sizes = _spatial(signal)
        kernel = per_axis(self.kernel_size, axes, "kernel_size")
        dilation = per_axis(self.dilation, axes, "dilation")
        padding = self._padding(kernel, dilation)
        self._check_padding_mode(sizes, padding)
        if self.padding == "same":
            return _with_spatial(signal, self.out_channels, sizes)
        out = tuple(map(window_output, sizes, kernel, stride, padding, dilation))
        if min(out) < 1:
            raise ShapeError(
                f"{self.kind} with kernel_size {list(kernel)} does not fit into "
                f"{signal}: make it smaller or add padding",
                "kernel_size",
            )
        return _with_spatial(signal, self.out_channels, out)

    def _padding(self, kernel: Shape, dilation: Shape) -> Shape:
        """What is added to each axis, at the wider of its two ends."""
        if self.padding == "same":
            reach = (d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
            return tuple(-(-size // 2) for size in reach)
        if self.padding == "valid":
            return (0,) * self.num_axes
        return per_axis(self.padding, self.num_axes, "padding")

    def _check_padding_mode(self, sizes: Shape, padding: Shape) -> None:
        # A reflection leaves the edge out; a circle goes around once.
        for size, width in zip(sizes, padding, strict=True):
            most = {"reflect": size - 1, "circular": size}
            if width > most.get(self.padding_mode, width):
                raise ShapeError(
                    f'padding_mode "{self.padding_mode}" can add at most '
                    f"{most[self.padding_mode]} to an axis of {size}, not {width}",
                    "padding",
                )

    def _check_groups(self, in_channels: int) -> None:
        if in_channels % self.groups or self.out_channels % self.groups:
            raise ShapeError(
                f"groups {self.groups} must divide the {in_channels} input and the "
                f"{self.out_channels} output channels",
                "groups",
            )

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        kernel = per_axis(self.kernel_size, self.num_axes, "kernel_size")
        weight = (self.out_channels, signal.channels // self.groups, *kernel)
        shapes: dict[str, Shape] = {"weight": weight}
        if self.bias:
            shapes["bias"] = (self.out_channels,)
        return shapes


def _spatial(signal: Signal) -> Shape:
    axis = signal.channel_axis
    return signal.dims[:axis] + signal.dims[axis + 1 :]


def _with_spatial(signal: Signal, channels: int, sizes: Shape) -> Signal:
    if signal.channel_axis:
        return Signal((*sizes, channels))
    return Signal((channels, *sizes))


class Conv1d(_Conv):
    """Convolution along the length of [length, features]."""

    type: Literal["Conv1d"] = "Conv1d"
    num_axes: ClassVar[int] = 1


class Conv2d(_Conv):
    """Convolution over [channels, height, width]."""

    type: Literal["Conv2d"] = "Conv2d"
    num_axes: ClassVar[int] = 2


class Conv3d(_Conv):
    """Convolution over [channels, depth, height, width]."""

    type: Literal["Conv3d"] = "Conv3d"
    num_axes: ClassVar[int] = 3


class ConvTranspose2d(Layer):
    """The adjoint of Conv2d: grows [channels, height, width]."""

    type: Literal["ConvTranspose2d"] = "ConvTranspose2d"
    in_channels: Size | None = None
    out_channels: Size
    kernel_size: Sizes
    stride: Sizes = 1
    padding: Counts = 0
    output_padding: Counts = 0
    groups: Size = 1
    bias: bool = True
    dilation: Sizes = 1
    padding_mode: Literal["zeros"] = "zeros"

    station: ClassVar[bool] = True

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, [3], INPUTS[2], self.kind)
        agree("in_channels", self.in_channels, signal.channels, signal)
        if signal.channels % self.groups or self.out_channels % self.groups:
            raise ShapeError(
                f"groups {self.groups} must divide the {signal.channels} input and "
                f"the {self.out_channels} output channels",
                "groups",
            )
        stride = per_axis(self.stride, 2, "stride")
        padding = per_axis(self.padding, 2, "padding")
        extra = per_axis(self.output_padding, 2, "output_padding")
        dilation = per_axis(self.dilation, 2, "dilation")
        kernel = per_axis(self.kernel_size, 2, "kernel_size")
        if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
            raise ShapeError(
                "output_padding must be smaller than stride or dilation",
                "output_padding",
            )
        out = tuple(
            (size - 1) * s - 2 * p + d * (k - 1) + e + 1
            for size, s, p, d, k, e in zip(
                signal.dims[1:], stride, padding, dilation, kernel, extra, strict=True
            )
        )
        if min(out) < 1:
            raise ShapeError(
                f"nothing is left of {signal} after padding {list(padding)}", "padding"
            )
        return Signal((self.out_channels, *out))

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        kernel = per_axis(self.kernel_size, 2, "kernel_size")
        weight = (signal.channels, self.out_channels // self.groups, *kernel)
        shapes: dict[str, Shape] = {"weight": weight}
        if self.bias:
            shapes["bias"] = (self.out_channels,)
        return shapes
