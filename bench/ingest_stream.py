"""`./scripts/bench ingest_stream [MEBIBYTES]`: speed and memory of reading long logs.

1,024 MiB of each kind are written and read as a file. Each reading is a process of its
own, so that the peak is its own; what the process takes before it reads is not counted.
"""

import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import google_crc32c
import numpy as np

from gradhealth.ingest import IngestLimits, read_log

SIZE_MIB = 1_024
LAYERS = 30
BODIES = 1_000
# The setting that bounds the memory: the service's default, and a quarter of it.
VALUES = (2**22, 2**20)
NAMES = ["train/loss", "train/grad_norm", "train/learning_rate"] + [
    f"gradients/layers.{n}.weight" for n in range(LAYERS)
]


def main() -> None:
    """Prints a table; with a file and a bound as arguments, measures that."""
    if len(sys.argv) > 2:
        print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
        return
    num_bytes = int(sys.argv[1] if len(sys.argv) > 1 else SIZE_MIB) * 2**20
    print("| log | values kept, at most | MB/s of CPU | peak above start, MB | steps |")
    print("|---|---|---|---|---|")
    for kind, write in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / kind
            num_rows = write(path, num_bytes)
            for values in VALUES:
                seen = in_a_process(path, values)
                speed = path.stat().st_size / 1e6 / seen["seconds"]
                print(
                    f"| {kind}, {num_rows:,} rows | {values:,} | {speed:.0f} "
                    f"| {seen['peak_mb']:.0f} | {seen['steps']:,} |"
                )


def in_a_process(path: Path, values: int) -> dict[str, float]:
    command = [sys.executable, "-m", __spec__.name, str(path), str(values)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def measure(path: Path, values: int) -> dict[str, float]:
    limits = IngestLimits(bytes=2**34, values=values, cells=values // 2)
    before, began = peak_mb(), time.process_time()
    (trace,) = read_log(path, limits=limits)
    return {
        "seconds": time.process_time() - began,
        "peak_mb": peak_mb() - before,
        "steps": len(trace.steps),
    }


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bodies() -> list[list[float]]:
    chance = np.random.default_rng(0)
    return (10 ** chance.standard_normal((BODIES, len(NAMES)))).tolist()


def write_wandb(path: Path, num_bytes: int) -> int:
    """A history, a line of JSON for each step; every second has the layers too."""
    lines = [
        json.dumps(dict(zip(NAMES[: None if n % 2 else 3], body, strict=False)))[1:]
        for n, body in enumerate(bodies())
    ]
    return write_rows(
        path, num_bytes, lines, '{{"_step": {0}, "_runtime": {0}.5, "_timestamp": 1e9, '
    )


def write_jsonl(path: Path, num_bytes: int) -> int:
    """The lines of people's own loggers: a few numbers each."""
    names = ["loss", "grad_norm", "lr"]
    lines = [json.dumps(dict(zip(names, body, strict=False)))[1:] for body in bodies()]
    return write_rows(path, num_bytes, lines, '{{"step": {0}, ')


def write_csv(path: Path, num_bytes: int) -> int:
    """A table with a column for each layer."""
    lines = [",".join(map(repr, body)) for body in bodies()]
    header = ",".join(["step", *NAMES]) + "\n"
    return write_rows(path, num_bytes, lines, "{0},", header)


def write_tensorboard(path: Path, num_bytes: int) -> int:
    """An event for each scalar, as torch writes them."""
    row = 0
    with path.open("wb") as file:
        file.write(record(field(3, b"brain.Event:2")))
        while file.tell() < num_bytes:
            for body in bodies():
                for name, number in zip(NAMES, body, strict=True):
                    tag = field(1, name.encode())
                    value = tag + b"\x15" + struct.pack("<f", number)
                    step = b"\x10" + varint(row)
                    time_ = b"\x09" + struct.pack("<d", 1.7e9 + row)
                    file.write(record(time_ + step + field(5, field(1, value))))
                row += 1
    return row


def record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    return length + checksum(length) + event + checksum(event)


def checksum(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32)


def field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(number: int) -> bytes:
    high = b""
    while number > 0x7F:
        high += bytes([number & 0x7F | 0x80])
        number >>= 7
    return high + bytes([number])


def write_rows(
    path: Path, num_bytes: int, lines: list[str], begin: str, header: str = ""
) -> int:
    row = 0
    with path.open("w") as file:
        file.write(header)
        while os.fstat(file.fileno()).st_size < num_bytes:
            for line in lines:
                file.write(f"{begin.format(row)}{line}\n")
                row += 1
    return row


KINDS = {
    "wandb.jsonl": write_wandb,
    "log.jsonl": write_jsonl,
    "log.csv": write_csv,
    "events.out.tfevents.1": write_tensorboard,
}

if __name__ == "__main__":
    main()
