"""A worker's name and GPU: its own while it runs, and the same after a restart.

Both are locked with the system, which takes a lock back however the process ends.
"""

import fcntl
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TextIO

from . import machine


@contextmanager
def own_gpu(gpus: Iterable[str]) -> Iterator[str]:
    """Hold a GPU that no other worker on this machine has; "" when none is left.

    The processes started by this one see no other.

    Args:
        gpus: The GPUs to choose from, as `CUDA_VISIBLE_DEVICES` names them.
    """
    with _first_free((f"gpu {gpu}", gpu) for gpu in gpus) as gpu:
        before = os.environ.get(machine.GPUS)
        os.environ[machine.GPUS] = gpu or ""
        try:
            yield gpu or ""
        finally:
            del os.environ[machine.GPUS]
            if before is not None:
                os.environ[machine.GPUS] = before


@contextmanager
def worker_name(wanted: str | None, database: str) -> Iterator[str]:
    """Hold a name that no other worker on this machine has for the same database.

    Args:
        wanted: The configured name; host, device and the lowest free number if None.
        database: Address of the database the name is for.

    Raises:
        SystemExit: Another worker runs under the wanted name.
    """
    prefix = f"{socket.gethostname()}-{machine.device()}"
    names = (f"{prefix}{n}" for n in count()) if wanted is None else iter([wanted])
    with _first_free((f"{database}\n{name}", name) for name in names) as name:
        if name is None:
            raise SystemExit(f"a worker named {wanted!r} runs on this machine already")
        yield name


@contextmanager
def _first_free(locks: Iterable[tuple[str, str]]) -> Iterator[str | None]:
    for what, value in locks:
        # Neither a name's characters nor a database's password belong in a path.
        digest = hashlib.sha256(what.encode()).hexdigest()
        with (_folder() / digest[:32]).open("w") as file:
            if _lock(file):
                yield value
                return
    yield None


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
