"""Batches that wait on disk for a service, oldest first and within a bound."""

import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote
from uuid import uuid4

if sys.platform != "win32":
    import fcntl

# Of one run.
MAX_BYTES = 64 * 2**20
# What nobody sent in that time is forgotten.
MAX_AGE_SECONDS = 14 * 86_400
SUFFIX = ".batch"


def default_root() -> Path:
    """In the user's cache, or where that cannot be written, among temporary files."""
    folder = Path.home() / ".cache" / "gradhealth" / "spool"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / "gradhealth-spool"
    return folder


class Spool:
    """The batches of one run, which one process at a time works on.

    Args:
        folder: Of this run; `key` is its name.
        owner: A file in it, locked as long as the process lives.
        max_bytes: Where the oldest batches are dropped for new ones.

    Attributes:
        num_dropped: Batches that were.
    """

    def __init__(
        self, folder: Path, owner: IO[bytes], *, max_bytes: int = MAX_BYTES
    ) -> None:
        self.folder = folder
        self._owner = owner
        self._max_bytes = max_bytes
        self._sizes = {
            path: path.stat().st_size for path in sorted(folder.glob(f"*{SUFFIX}"))
        }
        self._lock = threading.Lock()
        self.num_dropped = 0

    @classmethod
    def create(cls, root: Path, server: str, *, max_bytes: int = MAX_BYTES) -> Self:
        """A new one for a run that goes to `server`."""
        folder = root / quote(server, safe="") / uuid4().hex
        folder.mkdir(parents=True)
        owner = (folder / "owner").open("wb")
        _try_lock(owner)
        return cls(folder, owner, max_bytes=max_bytes)

    @property
    def key(self) -> str:
        """Names the run, here and in a process that takes it over."""
        return self.folder.name

    @property
    def num_waiting(self) -> int:
        """Batches that were not sent yet."""
        return len(self._sizes)

    def keep(self, name: str, text: bytes) -> None:
        """Remembers something about the run, for whoever sends it."""
        (self.folder / name).write_bytes(text)

    def kept(self, name: str) -> bytes | None:
        """What is remembered under a name."""
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    def put(self, sequence: int, body: bytes) -> None:
        """Adds a batch; drops the oldest where it would be too much."""
        path = self.folder / f"{sequence:09}{SUFFIX}"
        with self._lock:
            path.write_bytes(body)
            self._sizes[path] = len(body)
            oldest = iter(list(self._sizes))
            while sum(self._sizes.values()) > self._max_bytes:
                self._forget(next(oldest))
                self.num_dropped += 1

    def first(self) -> tuple[Path, bytes] | None:
        """The oldest batch; null: nothing waits."""
        with self._lock:
            path = next(iter(self._sizes), None)
            return None if path is None else (path, path.read_bytes())

    def remove(self, path: Path) -> None:
        """Forgets a batch that was sent, or that nobody wants."""
        with self._lock:
            if path in self._sizes:
                self._forget(path)

    def close(self) -> None:
        """Leaves what waits to others; when nothing waits, nothing stays."""
        if not self._sizes:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._owner.close()

    def _forget(self, path: Path) -> None:
        del self._sizes[path]
        path.unlink(missing_ok=True)


def abandoned(root: Path, server: str) -> Iterator[Spool]:
    """Spools for `server` whose processes have died, each taken over by this one."""
    for folder in sorted((root / quote(server, safe="")).glob("*")):
        if time.time() - folder.stat().st_mtime > MAX_AGE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        owner = (folder / "owner").open("ab")
        if _try_lock(owner):
            # What the process did not come to announce has no batches either.
            yield Spool(folder, owner)
        else:
            owner.close()


def _try_lock(file: IO[bytes]) -> bool:
    """Locks the file until it is closed; false: somebody else has."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
