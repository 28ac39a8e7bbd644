"""Pooling over length and images."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import Layer, ShapeError, Signal, Size, per_axis, require_rank
from .conv import INPUTS, Counts, Sizes, window_output


class _Pool(Layer):
    """Fields and shape rule shared by the pools with a window."""

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Counts = 0
    ceil_mode: bool = False

    num_axes: ClassVar[int]

    def _dilation(self) -> tuple[int, ...]:
        return (1,) * self.num_axes

    def output(self, signal: Signal) -> Signal:
        axes = self.num_axes
        require_rank(signal, [axes + 1], INPUTS[axes], self.kind)
        kernel = per_axis(self.kernel_size, axes, "kernel_size")
        stride = kernel if self.stride is None else self.stride
        strides = per_axis(stride, axes, "stride")
        padding = per_axis(self.padding, axes, "padding")
        if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
            raise ShapeError(
                f"padding {list(padding)} must be at most half of kernel_size "
                f"{list(kernel)}",
                "padding",
            )
        sizes = signal.dims[:1] if axes == 1 else signal.dims[1:]
        out = [
            self._positions(*window)
            for window in zip(
                sizes, kernel, strides, padding, self._dilation(), strict=True
            )
        ]
        if min(out) < 1:
            raise ShapeError(
                f"{self.kind} with kernel_size {list(kernel)} does not fit into "
                f"{signal}: make it smaller or leave it out",
                "kernel_size",
            )
        if axes == 1:
            return Signal((out[0], signal.dims[1]))
        return Signal((signal.dims[0], *out))

    def _positions(
        self, size: int, kernel: int, stride: int, padding: int, dilation: int
    ) -> int:
        if not self.ceil_mode:
            return window_output(size, kernel, stride, padding, dilation)
        reach = size + 2 * padding - dilation * (kernel - 1) - 1
        positions = -(-reach // stride) + 1
        # A window that would start in the right padding is left out, as torch does.
        return positions - ((positions - 1) * stride >= size + padding)


class _MaxPool(_Pool):
    dilation: Sizes = 1

    def _dilation(self) -> tuple[int, ...]:
        return per_axis(self.dilation, self.num_axes, "dilation")


class MaxPool1d(_MaxPool):
    """Maximum over windows of the length."""

    type: Literal["MaxPool1d"] = "MaxPool1d"
    num_axes: ClassVar[int] = 1


class MaxPool2d(_MaxPool):
    """Maximum over windows of the image."""

    type: Literal["MaxPool2d"] = "MaxPool2d"
    num_axes: ClassVar[int] = 2


class AvgPool1d(_Pool):
    """Mean over windows of the length."""

    type: Literal["AvgPool1d"] = "AvgPool1d"
    count_include_pad: bool = True
    num_axes: ClassVar[int] = 1


class AvgPool2d(_Pool):
    """Mean over windows of the image."""

    type: Literal["AvgPool2d"] = "AvgPool2d"
    count_include_pad: bool = True
    divisor_override: Size | None = None
    num_axes: ClassVar[int] = 2


class AdaptiveAvgPool1d(Layer):
    """Mean over as many windows of the length as asked for."""

    type: Literal["AdaptiveAvgPool1d"] = "AdaptiveAvgPool1d"
    output_size: Size

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, [2], INPUTS[1], self.kind)
        return Signal((self.output_size, signal.dims[1]))


class AdaptiveAvgPool2d(Layer):
    """Mean over as many windows of the image as asked for; null keeps an axis."""

    type: Literal["AdaptiveAvgPool2d"] = "AdaptiveAvgPool2d"
    output_size: Size | Annotated[list[Size | None], Field(min_length=2, max_length=2)]

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, [3], INPUTS[2], self.kind)
        wanted = (
            [self.output_size] * 2
            if isinstance(self.output_size, int)
            else self.output_size
        )
        kept = zip(wanted, signal.dims[1:], strict=True)
        return Signal((signal.dims[0], *(size or old for size, old in kept)))


class MeanPool(Layer):
    """Mean over the length: [length, features] becomes [features]."""

    type: Literal["MeanPool"] = "MeanPool"

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, [2], INPUTS[1], self.kind)
        return Signal(signal.dims[1:])
