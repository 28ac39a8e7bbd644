"""Files of runs are written here byte by byte; tests/samples has a real one."""

import json
import struct
from zlib import crc32

import pytest

from gradhealth.ingest import IngestError, IngestLimits, read_log

BLOCK = 2**15
MAGIC = b":W&B\xe1\xbe\x00"


def varint(number):
    high = b""
    while number > 0x7F:
        high += bytes([number & 0x7F | 0x80])
        number >>= 7
    return high + bytes([number])


def field(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def history(**row):
    items = b"".join(
        field(1, field(1, name.encode()) + field(16, json.dumps(cell).encode()))
        for name, cell in row.items()
    )
    return field(2, items)


def piece(kind, data):
    checksum = crc32(data, crc32(bytes([kind])))
    return struct.pack("<IHB", checksum, len(data), kind) + data


def log(*records):
    """Records cut to fit into blocks, as LevelDB does it."""
    content = MAGIC
    for record in records:
        rest, is_first = record, True
        while rest or is_first:
            left = BLOCK - len(content) % BLOCK
            if left < 7:
                content += bytes(left)
                continue
            data, rest = rest[: left - 7], rest[left - 7 :]
            kind = {(1, 1): 1, (1, 0): 2, (0, 0): 3, (0, 1): 4}[is_first, not rest]
            content += piece(kind, data)
            is_first = False
    return content


def read(content, **options):
    (trace,) = read_log(content, filename="run-abc.wandb", **options)
    assert trace.context.source_format == "wandb_offline"
    return trace


def rows(num_steps=5, **more):
    return [
        history(_step=n, **{"train/loss": 2.0 - n}, **more) for n in range(num_steps)
    ]


def test_the_history_of_a_run_and_nothing_else():
    broken = history(_step=5, **{"train/loss": float("nan")})

    trace = read(log(field(17, field(1, b"abc")), *rows(), broken, field(3, b"")))

    assert trace.steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert str(trace.series["loss"].tolist()) == "[2.0, 1.0, 0.0, -1.0, -2.0, nan]"
    assert trace.context.hides == []


def test_a_histogram_in_pieces_becomes_a_norm():
    pieces = {"_type": "histogram", "values": [1, 2, 1], "bins": [-1.5, -0.5, 0.5, 1.5]}
    items = b"".join(
        field(1, field(2, b"gradients/fc") + field(2, key.encode()) + field(16, text))
        for key, cell in pieces.items()
        for text in [json.dumps(cell).encode()]
    )

    trace = read(log(*rows(1), field(2, items)))

    assert [layer.path for layer in trace.layers] == ["fc"]
    assert trace.layer_series["grad_norm"].compressed().tolist() == [2**0.5]


def test_records_that_go_over_blocks_are_put_together():
    trace = read(log(*rows(20, note=list(range(4_000)))))

    assert trace.steps.tolist() == list(range(20))
    assert not any("damaged" in note for note in trace.context.notes)


@pytest.mark.parametrize("cut", [1, 10, 40_000])
def test_a_run_that_was_killed_is_read_so_far(cut):
    content = log(*rows(20, note=list(range(4_000))))

    trace = read(content[:-cut])

    assert 15 < len(trace.steps) < 20
    assert any("cut short" in note for note in trace.context.notes)


def test_a_damaged_piece_is_left_out():
    content = bytearray(log(*rows(20, note=list(range(4_000)))))
    content[BLOCK + 100] ^= 1

    trace = read(bytes(content))

    assert 15 < len(trace.steps) < 20
    assert any("damaged" in note for note in trace.context.notes)


def test_records_that_are_too_long_are_passed_over():
    long = rows(1, note=list(range(20_000)))

    trace = read(log(*rows(2), *long), limits=IngestLimits(line_bytes=40_000))

    assert trace.steps.tolist() == [0, 1]


def test_a_file_without_history_has_nothing_to_judge():
    with pytest.raises(IngestError, match="no loss"):
        read(MAGIC)


@pytest.mark.parametrize(
    "record", [b"\xff" * 20, field(2, b"\x0a\x7f"), field(2, field(1, field(16, b"{")))]
)
def test_what_is_no_record_is_refused(record):
    with pytest.raises(IngestError):
        read(log(*rows(2), record))
