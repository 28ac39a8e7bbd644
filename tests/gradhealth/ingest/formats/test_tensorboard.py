"""Event files are written here byte by byte; tests/samples has real ones."""

import io
import struct
import zipfile

import numpy as np
import pytest
from google_crc32c import value as crc32c

from gradhealth.ingest import IngestError, IngestLimits, read_log
from gradhealth.ingest.formats.base import log_formats


def varint(number):
    number &= 2**64 - 1
    high = b""
    while number > 0x7F:
        high += bytes([number & 0x7F | 0x80])
        number >>= 7
    return high + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32)


def record(event):
    length = struct.pack("<Q", len(event))
    return length + masked(length) + event + masked(event)


def event(step, *values):
    summary = b"".join(field(1, value) for value in values)
    return record(field(1, 1.5) + field(2, step) + field(5, summary))


def scalar(tag, number):
    return field(1, tag.encode()) + varint(2 << 3 | 5) + struct.pack("<f", number)


def histogram(tag, sum_squares):
    return field(1, tag.encode()) + field(5, field(3, 10.0) + field(5, sum_squares))


def tensor(tag, array, plugin=b"", dtype=2):
    shape = b"".join(field(2, field(1, size)) for size in np.shape(array))
    content = np.asarray(array, {1: "<f4", 2: "<f8"}.get(dtype, "u1")).tobytes()
    message = field(1, dtype) + field(2, shape) + field(4, content)
    metadata = field(9, field(1, field(1, plugin))) if plugin else b""
    return field(1, tag.encode()) + metadata + field(8, message)


VERSION = record(field(1, 1.5) + field(3, b"brain.Event:2"))


def read(*records, **options):
    content = VERSION + b"".join(records)
    (trace,) = read_log(content, filename="events.out.tfevents.1.host", **options)
    assert trace.context.source_format == "tensorboard"
    return trace


def test_scalars_at_their_steps():
    trace = read(
        event(0, scalar("train/loss", 2.5), scalar("train/grad_norm", 1.0)),
        event(10, scalar("train/loss", float("nan"))),
        event(10, scalar("val/loss", 2.75)),
    )

    assert trace.steps.tolist() == [0, 10]
    assert str(trace.series["loss"].tolist()) == "[2.5, nan]"
    assert trace.series["grad_norm"].tolist() == [1.0, None]
    assert trace.series["eval_loss"].tolist() == [None, 2.75]


def test_one_tag_may_come_in_several_forms():
    double = field(1, b"train/loss") + field(2, 4.0)
    trace = read(
        event(0, scalar("train/loss", 1.0)),
        event(1, scalar("train/loss", 2.0), scalar("train/grad_norm", 8.0)),
        event(2, scalar("train/loss", 3.0) + field(99, b"news")),
        event(3, double),
        event(4, tensor("train/loss", 5.0, dtype=1)),
        event(5, field(99, b"news") + scalar("train/loss", 6.0)),
        event(6, scalar("train/loss", 7.0)),
    )

    assert trace.series["loss"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert trace.series["grad_norm"].tolist() == [None, 8, *[None] * 5]


def test_histograms_hold_exact_norms():
    tags = [f"layers.{n}.weight" for n in (0, 1, 10)]
    trace = read(
        *(
            event(step, *(histogram(f"{tag}{end}", 9.0) for tag in tags))
            for step in range(3)
            for end in ("", ".grad")
        )
    )

    assert [layer.path for layer in trace.layers] == tags
    assert trace.layer_series["grad_norm"].tolist() == [[3.0] * 3] * 3
    assert trace.layer_series["weight_norm"].tolist() == [[3.0] * 3] * 3
    assert not any("computed from histograms" in each for each in trace.context.hides)


def test_layers_are_in_the_order_they_were_written():
    tags = [f"gradients/{name}" for name in ("stem", "body", "out")]

    trace = read(event(0, *(histogram(tag, 4.0) for tag in tags)))

    assert [layer.path for layer in trace.layers] == ["stem", "body", "out"]
    assert trace.context.layer_order == "file"


def test_tensors_of_tensorflow_2():
    bins = [[-1.0, 0.0, 2], [0.0, 1.0, 2]]
    trace = read(
        event(0, tensor("epoch_loss", 2.5, b"scalars", dtype=1)),
        event(0, tensor("grad/dense/kernel:0", bins, b"histograms")),
        event(0, tensor("note", [65, 66], b"text", dtype=7)),
        event(0, tensor("curve", bins, b"pr_curves")),
        event(1, tensor("epoch_loss", 2.0, dtype=1)),
        event(1, tensor("grad/dense/kernel:0", bins)),
    )

    assert trace.series["loss"].tolist() == [2.5, 2.0]
    assert [layer.path for layer in trace.layers] == ["dense/kernel:0"]
    assert trace.layer_series["grad_norm"].tolist() == [[1.0], [1.0]]
    assert any("computed from histograms" in each for each in trace.context.hides)


@pytest.mark.parametrize("folder", ["", "runs/a/"])
def test_the_two_folders_of_keras_are_one_run(folder):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, loss in (("train", 1.5), ("validation", 2.5)):
            content = VERSION + event(0, scalar("epoch_loss", loss))
            archive.writestr(f"{folder}{name}/events.out.tfevents.1.v2", content)

    (trace,) = read_log(packed.getvalue())

    assert trace.run == (folder.strip("/") or "train")
    assert trace.series["loss"].tolist() == [1.5]
    assert trace.series["eval_loss"].tolist() == [2.5]


def test_a_run_that_was_resumed_has_two_files():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for time, steps in ((2, [1, 2]), (1, [0, 1])):
            events = b"".join(event(n, scalar("loss", 10.0 * time)) for n in steps)
            archive.writestr(f"runs/a/events.out.tfevents.{time}", VERSION + events)

    (trace,) = read_log(packed.getvalue())

    assert trace.run == "runs/a"
    assert trace.series["loss"].tolist() == [10, 20, 20]


def test_weights_without_histograms_are_no_norms():
    trace = read(event(0, scalar("loss", 1.0), scalar("fc.weight", 0.5)))

    assert trace.layers is None


@pytest.mark.parametrize("cut", [1, 4, 20, 40])
def test_a_file_that_ends_in_a_record_is_read_so_far(cut):
    content = VERSION + event(0, scalar("loss", 1.0)) + event(1, scalar("loss", 0.5))

    (trace,) = read_log(content[:-cut])

    assert trace.steps.tolist() == [0]
    assert any("cut short" in note for note in trace.context.notes)


def test_a_record_with_a_wrong_checksum_is_left_out():
    broken = bytearray(event(1, scalar("loss", 0.5)))
    broken[-6] ^= 1

    trace = read(
        event(0, scalar("loss", 1.0)), bytes(broken), event(2, scalar("loss", 0.25))
    )

    assert trace.steps.tolist() == [0, 2]
    assert "1 records with a wrong checksum were left out" in trace.context.notes


def test_after_a_damaged_length_nothing_is_read():
    trace = read(event(0, scalar("loss", 1.0)), bytes(64))

    assert trace.steps.tolist() == [0]
    assert any("damaged from byte" in note for note in trace.context.notes)


def test_records_that_are_too_long_are_passed_over():
    trace = read(
        record(field(1, 1.5) + field(4, bytes(5_000))),
        event(3, scalar("loss", 1.0)),
        limits=IngestLimits(line_bytes=1_000),
    )

    assert trace.steps.tolist() == [3]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (record(b"\xff" * 20), "a number is too long"),
        (record(b"\x13"), "unknown kind 3"),
        (record(b"\x2a\x7f"), "beyond its message"),
        (record(b"\x80"), "ends in a number"),
        (record(field(2, b"x")), "a whole number was expected"),
        (record(field(5, 3)), "a message was expected"),
        (record(field(5, field(1, field(2, 3)))), "a number was expected"),
        (event(-1, scalar("loss", 1.0)), "a step below 0"),
        (event(0, field(8, field(1, 2) + field(4, bytes(7)))), "its shape"),
    ],
)
def test_what_is_no_event_is_pointed_at(broken, words):
    with pytest.raises(IngestError) as caught:
        read(broken)

    assert f"the record at byte {len(VERSION)}: " in str(caught.value)
    assert words in str(caught.value)


def test_records_of_other_things_are_not_taken_for_it():
    with pytest.raises(IngestError):
        read_log(record(field(1, b"an example of a data set")))


def test_a_forced_format_of_something_else_has_nothing_to_judge():
    assert "tensorboard" in log_formats()
    with pytest.raises(IngestError, match="no loss"):
        read_log(b"step,loss\n1,2\n", format_name="tensorboard")
