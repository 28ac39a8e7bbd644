"""A trace file: a header, then a line a batch; readable after a crash at any time."""

import gzip
from collections.abc import Callable, Mapping
from io import RawIOBase
from itertools import count
from pathlib import Path

import zstandard

from ...batches.batch import Batch
from .base import Header

# Level 1 halves the time of the default for a tenth more bytes.
GZIP_LEVEL = 1


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, GZIP_LEVEL)


SUFFIXES: Mapping[str, Callable[[bytes], bytes]] = {
    ".jsonl": bytes,
    ".jsonl.gz": _gzip,
    ".jsonl.zst": zstandard.compress,
}


class FileSink:
    """Appends to a file that nobody wrote before.

    Every batch is a whole line, and packed a whole member of its file: what was
    written stays readable when the process is killed.

    Args:
        path: Ends in .jsonl, .jsonl.gz or .jsonl.zst; when it exists, the next free
            name is taken: trace.2.jsonl, trace.3.jsonl, ...
    """

    def __init__(self, path: Path) -> None:
        suffix = next((end for end in SUFFIXES if path.name.endswith(end)), None)
        if suffix is None:
            endings = " or ".join(SUFFIXES)
            raise ValueError(f"{path}: the name of a trace file ends in {endings}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = _created(path)
        self._compress = SUFFIXES[suffix]

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
        with self.path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                _write_all(file, self._compress(line + b"\n"))
            except OSError:
                # Half a line, as of a full disk, would spoil those that come after it.
                file.truncate(size)
                raise


def _write_all(file: RawIOBase, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


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
