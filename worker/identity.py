"""A worker's name: unique while it runs, and the same after a restart."""

import fcntl
import hashlib
import os
import socket
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path

from . import machine


class Identity:
    """A name that no other worker on this machine has for the same database.

    It is locked with the system, which takes the lock back however the process ends.

    Args:
        wanted: The configured name; host, device and the lowest free number if None.
        database: Address of the database the name is for.

    Raises:
        SystemExit: Another worker runs under the wanted name.
    """

    def __init__(self, wanted: str | None, database: str) -> None:
        self._database = database
        self._folder = Path(tempfile.gettempdir(), f"gradhealth-workers-{os.getuid()}")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if wanted is None:
            prefix = f"{socket.gethostname()}-{machine.device()}"
            names = (f"{prefix}{number}" for number in count())
            self.name = next(name for name in names if self._lock(name))
        elif self._lock(wanted):
            self.name = wanted
        else:
            raise SystemExit(f"a worker named {wanted!r} runs on this machine already")

    def _lock(self, name: str) -> bool:
        # Neither the name's characters nor the database's password belong in a path.
        digest = hashlib.sha256(f"{self._database}\n{name}".encode()).hexdigest()
        self._file = (self._folder / digest[:32]).open("w")
        with suppress(BlockingIOError):
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False
