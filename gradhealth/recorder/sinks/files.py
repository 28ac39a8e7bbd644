"""A trace file: a header, then a line a batch; readable after a crash at any time."""

import gzip
from collections.abc import Callable
from itertools import count
from pathlib import Path

from ...batches.batch import Batch
from .base import Header

SUFFIXES = (".jsonl", ".jsonl.gz")
# Level 1 halves the time of the default for a tenth more bytes.
GZIP_LEVEL = 1


class FileSink:
    """Appends to a file that nobody wrote before.

    Every batch is a whole line, and in a `.gz` a whole gzip member: what was written
    stays readable when the process is killed.

    Args:
        path: Ends in .jsonl or .jsonl.gz; when it exists, the next free name is
            taken: trace.2.jsonl, trace.3.jsonl, ...
    """

    def __init__(self, path: Path) -> None:
        if not path.name.endswith(SUFFIXES):
            endings = " or ".join(SUFFIXES)
            raise ValueError(f"{path}: the name of a trace file ends in {endings}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = _created(path)
        self._compress: Callable[[bytes], bytes] = (
            _gzip if path.name.endswith(".gz") else bytes
        )

    def begin(self, header: Header) -> None:
        self._append(header.to_json())

    def write(self, batch: Batch) -> None:
        self._append(batch.to_json())

    def close(self) -> None:
        """Nothing is open."""

    @property
    def notes(self) -> list[str]:
        return [f"written to {self.path}"]

    def _append(self, line: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(self._compress(line + b"\n"))


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, GZIP_LEVEL)


def _created(path: Path) -> Path:
    """An empty file at `path`, or at the next free name."""
    stem, dot, suffix = path.name.partition(".jsonl")
    for number in count(1):
        name = path.name if number == 1 else f"{stem}.{number}{dot}{suffix}"
        candidate = path.with_name(name)
        try:
            candidate.touch(exist_ok=False)
        except FileExistsError:
            continue
        return candidate
    raise AssertionError
