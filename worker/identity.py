"""A worker's name: unique while it runs, and the same after a restart."""

import fcntl
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TextIO

from . import machine


@contextmanager
def worker_name(wanted: str | None, database: str) -> Iterator[str]:
    """Hold a name that no other worker on this machine has for the same database.

    It is locked with the system, which takes the lock back however the process ends.

    Args:
        wanted: The configured name; host, device and the lowest free number if None.
        database: Address of the database the name is for.

    Raises:
        SystemExit: Another worker runs under the wanted name.
    """
    prefix = f"{socket.gethostname()}-{machine.device()}"
    names = (f"{prefix}{n}" for n in count()) if wanted is None else iter([wanted])
    for name in names:
        # Neither the name's characters nor the database's password belong in a path.
        digest = hashlib.sha256(f"{database}\n{name}".encode()).hexdigest()
        with (_folder() / digest[:32]).open("w") as file:
            if _lock(file):
                yield name
                return
    raise SystemExit(f"a worker named {wanted!r} runs on this machine already")


def _folder() -> Path:
    folder = Path(tempfile.gettempdir(), f"gradhealth-workers-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
