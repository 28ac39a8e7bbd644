"""Logs as LevelDB writes them: records, cut to fit into blocks of 32 KiB.

A piece is its checksum (4 bytes), its length (2), its kind (1) and what it holds.
Source: github.com/google/leveldb/blob/main/doc/log_format.md; W&B's checksum is zlib's.
"""

import struct
from collections.abc import Iterator
from zlib import crc32

from .files import LogFile

_BLOCK = 2**15
_HEAD = struct.Struct("<IHB")
_WHOLE, _FIRST, _LAST = 1, 2, 4


def log_records(file: LogFile, header: int) -> Iterator[bytes]:
    """Each record of a log; damaged and unfinished ones are left out and noted.

    Args:
        file: The log.
        header: Bytes before the first piece, which belong to the first block.
    """
    parts: list[bytes] | None = None
    is_damaged = False
    for kind, data in _pieces(file, header):
        if kind in (_WHOLE, _FIRST):
            is_damaged |= parts is not None
            parts = []
        is_damaged |= kind is None
        if kind is None or parts is None:
            parts = None
            continue
        parts.append(data)
        if sum(map(len, parts)) > file.limits.line_bytes:
            parts = None
        elif kind in (_WHOLE, _LAST):
            yield b"".join(parts)
            parts = None
    if is_damaged or parts is not None:
        file.notes.append("records that are damaged or cut short were left out")


def _pieces(file: LogFile, header: int) -> Iterator[tuple[int | None, bytes]]:
    """Kind and content of each piece; no kind where one is damaged."""
    stream = file.stream_of_bytes()
    place = len(stream.read(header))
    while block := stream.read(_BLOCK - place):
        place = 0
        while len(block) - place >= _HEAD.size:
            checksum, size, kind = _HEAD.unpack_from(block, place)
            place += _HEAD.size + size
            data = block[place - size : place]
            is_right = checksum == crc32(data, crc32(bytes([kind])))
            yield (kind if is_right else None), data
        place = 0
