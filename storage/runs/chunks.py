"""The numbers of a run on disk: a compressed chunk for each statistic of a batch.

A chunk is a batch in its binary form that has one statistic alone, so it can be read
without the others. Layer series have a chunk each; series share the one without name,
which every batch has.
"""

import struct
from collections.abc import Sequence

import numpy as np
import zstandard

from gradhealth.batches.batch import Batch
from gradhealth.batches.packing import Column, Floats, PackedBatch

# The name of the chunk of all series.
SERIES = ""
# Level 1 saves a sixteenth at most, and takes twice to six times as long.
LEVEL = -1
_FLOAT_BYTES = 4


def pack_chunks(batch: PackedBatch) -> dict[str, bytes]:
    """The chunks of a batch, by name."""
    groups: dict[str, list[tuple[Column, Floats]]] = {SERIES: []}
    for column, values in batch.columns:
        name = SERIES if column.kind == "series" else column.name
        groups.setdefault(name, []).append((column, values))
    return {
        name: _compressed(
            PackedBatch(batch.sequence, batch.steps, batch.num_layers, columns)
        )
        for name, columns in groups.items()
    }


def unpack_chunks(chunks: Sequence[bytes]) -> Batch:
    """The batch of which some chunks are given; it has what they have."""
    parts = [_decompressed(chunk) for chunk in chunks]
    first = parts[0]
    columns = [column for part in parts for column in part.columns]
    return Batch.from_packed(
        PackedBatch(first.sequence, first.steps, first.num_layers, columns)
    )


def _compressed(part: PackedBatch) -> bytes:
    """Bytes of equal weight stand together: exponents repeat, last digits do not."""
    body = part.to_bytes()
    end = _values_at(body)
    shuffled = np.frombuffer(body, np.uint8, offset=end).reshape(-1, _FLOAT_BYTES).T
    return zstandard.compress(body[:end] + shuffled.tobytes(), LEVEL)


def _decompressed(chunk: bytes) -> PackedBatch:
    body = zstandard.decompress(chunk)
    end = _values_at(body)
    values = np.frombuffer(body, np.uint8, offset=end).reshape(_FLOAT_BYTES, -1).T
    return PackedBatch.from_bytes(body[:end] + values.tobytes())


def _values_at(body: bytes) -> int:
    (length,) = struct.unpack_from("<I", body)
    return struct.calcsize("<I") + int(length)
