"""Normalisation over the batch, over features, over groups of channels."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import Layer, Shape, ShapeError, Signal, Size, agree, require_rank

Epsilon = Annotated[float, Field(ge=0)]

INPUTS = {
    1: "[features] or [length, features]",
    2: "[channels, height, width]",
    3: "[channels, depth, height, width]",
}


class _ChannelNorm(Layer):
    """Fields of the norms that keep one mean and variance a channel."""

    num_features: Size | None = None
    eps: Annotated[float, Field(gt=0)] = 1e-5
    momentum: Annotated[float, Field(ge=0, le=1)] | None = 0.1
    affine: bool = True
    track_running_stats: bool = True

    num_axes: ClassVar[int]
    ranks: ClassVar[tuple[int, ...]]

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, self.ranks, INPUTS[self.num_axes], self.kind)
        agree("num_features", self.num_features, signal.channels, signal)
        return signal

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        if not self.affine:
            return {}
        return {"weight": (signal.channels,), "bias": (signal.channels,)}


class BatchNorm1d(_ChannelNorm):
    """Batch normalisation of features (Ioffe & Szegedy 2015)."""

    type: Literal["BatchNorm1d"] = "BatchNorm1d"
    num_axes: ClassVar[int] = 1
    ranks: ClassVar[tuple[int, ...]] = (1, 2)


class BatchNorm2d(_ChannelNorm):
    """Batch normalisation of image channels."""

    type: Literal["BatchNorm2d"] = "BatchNorm2d"
    num_axes: ClassVar[int] = 2
    ranks: ClassVar[tuple[int, ...]] = (3,)


class BatchNorm3d(_ChannelNorm):
    """Batch normalisation of volume channels."""

    type: Literal["BatchNorm3d"] = "BatchNorm3d"
    num_axes: ClassVar[int] = 3
    ranks: ClassVar[tuple[int, ...]] = (4,)


class InstanceNorm1d(_ChannelNorm):
    """Normalises each channel of each sample over its length (Ulyanov 2016)."""

    type: Literal["InstanceNorm1d"] = "InstanceNorm1d"
    affine: bool = False
    track_running_stats: bool = False
    num_axes: ClassVar[int] = 1
    ranks: ClassVar[tuple[int, ...]] = (2,)

    def output(self, signal: Signal) -> Signal:
        signal = super().output(signal)
        return _require_several(signal, signal.dims[0], self.kind)


class InstanceNorm2d(_ChannelNorm):
    """Normalises each channel of each image."""

    type: Literal["InstanceNorm2d"] = "InstanceNorm2d"
    affine: bool = False
    track_running_stats: bool = False
    num_axes: ClassVar[int] = 2
    ranks: ClassVar[tuple[int, ...]] = (3,)

    def output(self, signal: Signal) -> Signal:
        signal = super().output(signal)
        return _require_several(signal, signal.dims[1] * signal.dims[2], self.kind)


def _require_several(signal: Signal, num_values: int, name: str) -> Signal:
    if num_values == 1:
        raise ShapeError(
            f"{name} over a single value is always 0: the input here is {signal}; "
            "use LayerNorm or BatchNorm"
        )
    return signal


class FeatureNorm(Layer):
    """Norms over trailing axes: the last by default, all axes of an image."""

    normalized_shape: (
        Size | Annotated[list[Size], Field(min_length=1, max_length=4)] | None
    ) = None
    elementwise_affine: bool = True

    def normalized(self, signal: Signal) -> Shape:
        """The trailing axes that are normalised together."""
        if self.normalized_shape is None:
            sequence = len(signal.dims) <= 2  # noqa: PLR2004 -- rank of a sequence
            return signal.dims[-1:] if sequence else signal.dims
        if isinstance(self.normalized_shape, int):
            return (self.normalized_shape,)
        return tuple(self.normalized_shape)

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, (1, 2, 3, 4), "numbers", self.kind)
        shape = self.normalized(signal)
        if signal.dims[-len(shape) :] != shape:
            raise ShapeError(
                f"normalized_shape {list(shape)} is not the end of {signal}: write "
                f"{signal.dims[-1]} or leave it out",
                "normalized_shape",
            )
        return signal


class LayerNorm(FeatureNorm):
    """Normalises each sample over its features (Ba 2016)."""

    type: Literal["LayerNorm"] = "LayerNorm"
    eps: Epsilon = 1e-5
    bias: bool = True

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        if not self.elementwise_affine:
            return {}
        shape = self.normalized(signal)
        return {"weight": shape} | ({"bias": shape} if self.bias else {})


class RMSNorm(FeatureNorm):
    """Divides each sample by the RMS of its features (Zhang & Sennrich 2019)."""

    type: Literal["RMSNorm"] = "RMSNorm"
    eps: Epsilon | None = None

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        return {"weight": self.normalized(signal)} if self.elementwise_affine else {}


class GroupNorm(Layer):
    """Normalises each sample over groups of channels (Wu & He 2018)."""

    type: Literal["GroupNorm"] = "GroupNorm"
    num_groups: Size
    num_channels: Size | None = None
    eps: Epsilon = 1e-5
    affine: bool = True

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, (1, 2, 3, 4), "numbers", self.kind)
        agree("num_channels", self.num_channels, signal.channels, signal)
        if signal.channels % self.num_groups:
            raise ShapeError(
                f"num_groups {self.num_groups} must divide the {signal.channels} "
                "channels",
                "num_groups",
            )
        return signal

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        if not self.affine:
            return {}
        return {"weight": (signal.channels,), "bias": (signal.channels,)}
