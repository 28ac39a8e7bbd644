"""The wire format of protocol buffers: fields by their numbers, nothing more.

Source: protobuf.dev/programming-guides/encoding.
"""

import struct
from collections.abc import Iterator

from .exceptions import IngestError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MAX_VARINT_BITS = 64
# Set in every byte of a number but its last.
_CONTINUED = 0x80


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field; fixed and nested ones as their bytes.

    Raises:
        IngestError: It is no message.
    """
    place, end = 0, len(message)
    while place < end:
        # Nearly every key is one byte.
        key, place = message[place], place + 1
        if key >= _CONTINUED:
            key, place = _varint(message, place - 1)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == _BYTES:
            size, place = _varint(message, place)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise IngestError(f"no protocol buffer: a field of the unknown kind {kind}")
        if place + size > end:
            raise IngestError("no protocol buffer: a field goes beyond its message")
        yield number, message[place : place + size]
        place += size


def float_of(value: int | bytes) -> float:
    """A float or double by the number of its bytes."""
    if isinstance(value, bytes) and len(value) in (4, 8):
        number: float
        (number,) = struct.unpack("<f" if len(value) == 4 else "<d", value)  # noqa: PLR2004
        return number
    raise IngestError("no protocol buffer: a number was expected")


def bytes_of(value: int | bytes) -> bytes:
    """A text, a nested message or packed numbers."""
    if isinstance(value, bytes):
        return value
    raise IngestError("no protocol buffer: a message was expected")


def int_of(value: int | bytes) -> int:
    """A signed integer."""
    if isinstance(value, int):
        return value - (1 << 64) if value >> 63 else value
    raise IngestError("no protocol buffer: a whole number was expected")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    try:
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < _CONTINUED:
                return value & 0xFFFF_FFFF_FFFF_FFFF, place
            shift += 7
            if shift > _MAX_VARINT_BITS:
                raise IngestError("no protocol buffer: a number is too long")
    except IndexError:
        raise IngestError("no protocol buffer: it ends in a number") from None
