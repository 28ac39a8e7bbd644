"""Picks the sink that a destination asks for."""

import re
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

from .base import Sink
from .files import SUFFIXES, FileSink


def sink_for(to: str | PathLike[str], run: str, *, rank: int | None) -> Sink:
    """A sink for a file, or a folder that gets a new file for each run.

    Args:
        to: A path that ends in .jsonl or .jsonl.gz, or a folder.
        run: Name of the run.
        rank: Number of the process, when each of several records.
    """
    path = Path(to)
    suffix = next((s for s in SUFFIXES if path.name.endswith(s)), None)
    if suffix is None:
        if path.suffix and not path.is_dir():
            endings = ", ".join(SUFFIXES)
            raise ValueError(f"{path}: neither a folder nor a file in {endings}")
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        name = re.sub(r"[^\w.-]+", "-", run)
        path, suffix = path / f"{name}-{now}.jsonl.gz", ".jsonl.gz"
    if rank is not None:
        path = path.with_name(f"{path.name.removesuffix(suffix)}.rank{rank}{suffix}")
    return FileSink(path)
