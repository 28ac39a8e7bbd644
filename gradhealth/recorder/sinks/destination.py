"""Opens what a run is sent to."""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from urllib.parse import urlsplit

from gradhealth.client import key_in

from .base import Sink
from .files import SUFFIXES, FileSink
from .http import HttpSink
from .spool import MAX_BYTES, default_root

_SCHEMES = ("http://", "https://")
# Meant as an address, and taken for a folder: localhost:8000, ftp://somewhere.
_NEARLY_ADDRESS = re.compile(r"[\w.-]+:\d+(/.*)?|\w+://.*")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a run goes.

    Attributes:
        to: Address of a service, a path that ends in .jsonl, .jsonl.gz or .jsonl.zst,
            or a folder that gets a new file for each run.
        run: Name of the run.
        rank: Number of the process, when each of several records.
        spool: Folder in which batches wait for a service; null: in the user's cache.
        max_spool_bytes: How many bytes of them do.
    """

    to: str | PathLike[str]
    run: str
    rank: int | None = None
    spool: str | PathLike[str] | None = None
    max_spool_bytes: int = MAX_BYTES

    def open(self) -> Sink:
        """The sink.

        Raises:
            ValueError: Neither of these.
            OSError: The folder cannot be written.
        """
        to = str(self.to)
        if _lacks_something(to):
            raise _unknown(to)
        if not to.startswith(_SCHEMES):
            return FileSink(_path(Path(to), self.run, self.rank))
        return HttpSink(
            to,
            api_key=key_in(os.environ),
            spool_root=default_root() if self.spool is None else Path(self.spool),
            max_spool_bytes=self.max_spool_bytes,
        )


def _lacks_something(to: str) -> bool:
    if to.startswith(_SCHEMES):
        return not urlsplit(to).hostname
    return _NEARLY_ADDRESS.fullmatch(to) is not None


def _unknown(to: str) -> ValueError:
    return ValueError(
        f"{to}: neither an address, a folder, nor a file in {', '.join(SUFFIXES)}; an "
        "address is like http://127.0.0.1:8000"
    )


def _path(path: Path, run: str, rank: int | None) -> Path:
    suffix = next((s for s in SUFFIXES if path.name.endswith(s)), None)
    if suffix is None:
        if path.suffix and not path.is_dir():
            raise _unknown(str(path))
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        name = re.sub(r"[^\w.-]+", "-", run)
        return path / f"{name}-{now}.jsonl.gz"
    if rank is None:
        return path
    return path.with_name(f"{path.name.removesuffix(suffix)}.rank{rank}{suffix}")
