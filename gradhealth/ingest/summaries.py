"""TensorBoard's events: the scalars and histograms in their summaries."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .columns import MAX_NAME, Floats
from .exceptions import IngestError
from .histograms import norm_of_bins, norm_of_squares
from .protobuf import bytes_of, fields, float_of, int_of

_HISTOGRAMS = "histograms"
# Of a histogram that is a tensor: left edge, right edge and count of each bin.
_BIN_SIZE = 3
_FLOAT_SIZE = 4
# Tags that are remembered: more than a network has layers.
_MOST_SCALARS = 2**14


@dataclass(frozen=True, slots=True)
class Value:
    """One number of an event.

    Attributes:
        is_norm: Whether it is the L2 norm of what a histogram counted.
        is_approximate: Whether that norm was computed from bins.
    """

    step: int
    tag: str
    number: float
    is_norm: bool = False
    is_approximate: bool = False


class EventReader:
    """Reads events in their order: only a tag's first tells what kind it is."""

    def __init__(self) -> None:
        self._plugins: dict[str, str] = {}
        # By all that stands before the number: the same bytes mean the same tag.
        self._scalars: dict[bytes, str] = {}

    def values(self, event: bytes) -> Iterator[Value]:
        """What an event holds; images, texts and graphs are passed over.

        Raises:
            IngestError: It is no event.
        """
        step = 0
        for number, value in fields(event):
            if number == _Event.STEP:
                step = int_of(value)
                if step < 0:
                    raise IngestError("a step below 0")
            elif number == _Event.SUMMARY:
                yield from self._summary(step, bytes_of(value))

    def _summary(self, step: int, summary: bytes) -> Iterator[Value]:
        head, number = summary[:-_FLOAT_SIZE], summary[-_FLOAT_SIZE:]
        tag = self._scalars.get(head)
        if tag is not None:
            yield Value(step, tag, float_of(number))
            return
        for field, value in fields(summary):
            if field == _Summary.VALUE:
                yield from self._values(step, dict(fields(bytes_of(value))))
        if len(head) <= MAX_NAME and len(self._scalars) < _MOST_SCALARS:
            self._learn(head, summary)

    def _learn(self, head: bytes, summary: bytes) -> None:
        """Remembers what stands before a number, where there is nothing else."""
        match [*fields(summary)]:
            case [(_Summary.VALUE, bytes(value))]:
                match [*fields(value)]:
                    case [(_Value.TAG, bytes(tag)), (_Value.SIMPLE, bytes(number))]:
                        if len(number) == _FLOAT_SIZE:
                            self._scalars[head] = _text(tag)

    def _values(self, step: int, value: dict[int, int | bytes]) -> Iterator[Value]:
        tag = _text(value.get(_Value.TAG, b""))
        if _Value.METADATA in value:
            self._plugins[tag] = _plugin(bytes_of(value[_Value.METADATA]))
        if _Value.SIMPLE in value:
            yield Value(step, tag, float_of(value[_Value.SIMPLE]))
        elif _Value.HISTOGRAM in value:
            norm = _norm(bytes_of(value[_Value.HISTOGRAM]))
            yield Value(step, tag, norm, is_norm=True)
        elif _Value.TENSOR in value:
            tensor = _tensor(bytes_of(value[_Value.TENSOR]))
            is_histogram = self._plugins.get(tag, _HISTOGRAMS) == _HISTOGRAMS
            if is_histogram and tensor.shape[1:] == (_BIN_SIZE,):
                left, right, counts = tensor.T
                norm = norm_of_bins(counts, left, right)
                yield Value(step, tag, norm, is_norm=True, is_approximate=True)
            elif tensor.size == 1:
                yield Value(step, tag, float(tensor.flat[0]))


def _norm(histogram: bytes) -> float:
    """Exact: the writer summed the squares of what it counted."""
    squares = dict(fields(histogram)).get(_Histogram.SUM_SQUARES, bytes(8))
    return norm_of_squares(float_of(squares))


def _plugin(metadata: bytes) -> str:
    plugin = dict(fields(bytes_of(dict(fields(metadata)).get(_Metadata.PLUGIN, b""))))
    return _text(plugin.get(_Plugin.NAME, b""))


def _text(value: int | bytes) -> str:
    return bytes_of(value).decode(errors="replace")


def _tensor(message: bytes) -> Floats:
    parts = dict(fields(message))
    dtype, listed = _DTYPES.get(int_of(parts.get(_Tensor.DTYPE, 0)), (None, 0))
    if dtype is None:
        return np.zeros(0)
    content = bytes_of(parts.get(_Tensor.CONTENT) or parts.get(listed, b""))
    try:
        numbers = np.frombuffer(content, dtype).astype(np.float64)
        return numbers.reshape(_shape(bytes_of(parts.get(_Tensor.SHAPE, b""))))
    except ValueError as error:
        raise IngestError(f"a tensor does not have its shape: {error}") from error


def _shape(message: bytes) -> tuple[int, ...]:
    return tuple(
        int_of(dict(fields(bytes_of(value))).get(_Dimension.SIZE, 0))
        for number, value in fields(message)
        if number == _Shape.DIMENSION
    )


# Numbers of fields in tensorflow/core: util/event.proto, framework/summary.proto,
# framework/tensor.proto and framework/tensor_shape.proto.


class _Event:
    STEP, SUMMARY = 2, 5


class _Summary:
    VALUE = 1


class _Value:
    TAG, SIMPLE, HISTOGRAM, TENSOR, METADATA = 1, 2, 5, 8, 9


class _Histogram:
    SUM_SQUARES = 5


class _Metadata:
    PLUGIN = 1


class _Plugin:
    NAME = 1


class _Tensor:
    DTYPE, SHAPE, CONTENT = 1, 2, 4


class _Shape:
    DIMENSION = 2


class _Dimension:
    SIZE = 1


# By DataType, framework/types.proto: numpy's type, and the field of listed numbers.
_DTYPES = {1: ("<f4", 5), 2: ("<f8", 6), 3: ("<i4", 0), 9: ("<i8", 0)}
