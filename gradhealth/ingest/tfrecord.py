"""TFRecord files: records with their length and checksums.

A record is its length in 8 bytes and the length's checksum in 4, then what it holds and
the checksum of that.
Source: tensorflow.org/tutorials/load_data/tfrecord.
"""

import struct
from collections.abc import Iterator
from functools import lru_cache

from google_crc32c import value as crc32c

from .files import LogFile

_HEAD, _TAIL = struct.Struct("<QI"), struct.Struct("<I")
_SKIP = 2**20


def begins_with_record(head: bytes) -> bool:
    """Whether these bytes are the beginning of a file of records."""
    return len(head) >= _HEAD.size and _is_head(head[: _HEAD.size])


def records(file: LogFile) -> Iterator[tuple[int, bytes]]:
    """The place in bytes of each record, and what it holds.

    A record longer than the limit of a line is passed over: graphs and images are. One
    whose checksum is wrong is left out. Where a length's is wrong nothing can follow:
    the reading ends there. Both are noted.
    """
    stream, place, num_broken = file.stream_of_bytes(), 0, 0
    while head := stream.read(_HEAD.size):
        if len(head) < _HEAD.size or not _is_head(head):
            is_short = len(head) < _HEAD.size
            file.notes.append(_CUT if is_short else _DAMAGED.format(place))
            break
        (length, _), at = _HEAD.unpack(head), place
        place += _HEAD.size + length + _TAIL.size
        if length > file.limits.line_bytes:
            left = length + _TAIL.size
            while left and (chunk := stream.read(min(left, _SKIP))):
                left -= len(chunk)
            continue
        body = stream.read(length + _TAIL.size)
        if len(body) < length + _TAIL.size:
            file.notes.append(_CUT)
            break
        data = body[:length]
        if _masked(data) == _TAIL.unpack_from(body, length)[0]:
            yield at, data
        else:
            num_broken += 1
    if num_broken:
        file.notes.append(f"{num_broken:,} records with a wrong checksum were left out")


_CUT = "the last record was cut short and left out"
_DAMAGED = "damaged from byte {:,} on: what came before was read"


@lru_cache
def _is_head(head: bytes) -> bool:
    return bool(_masked(head[:8]) == _HEAD.unpack(head)[1])


def _masked(data: bytes) -> int:
    """The checksum, rotated and shifted, as a checksum of checksums would be weak."""
    crc = crc32c(data)
    rotated: int = (crc >> 15 | crc << 17) + 0xA282EAD8
    return rotated & 0xFFFF_FFFF
