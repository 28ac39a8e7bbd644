"""The whole database as one file, and a new database from it.

Everything is in it: analyses, runs, keys, and the queue. It can be made while the
product works, and holds one moment.
"""

import os
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from gradhealth.exceptions import GradHealthError

from ..config import StorageSettings
from .schema import VERSION_TABLE


class BackupError(GradHealthError):
    """What was asked for cannot be done; nothing was changed."""

    code = "backup_failed"


def back_up(settings: StorageSettings, file: Path) -> None:
    """Write the database to a new file, readable by its owner alone.

    Raises:
        BackupError: There is no database, or the file cannot be written.
    """
    with _finished(file) as unfinished:
        if settings.is_sqlite:
            _copy(_sqlite_file(settings), unfinished)
        else:
            options = ["--format=custom", f"--file={unfinished}"]
            _run(settings, "pg_dump", options)


def restore(settings: StorageSettings, file: Path) -> None:
    """Fill a new database from a backup; one of an earlier version is migrated later.

    Raises:
        BackupError: The file is no backup, or the database is not empty.
    """
    if not settings.is_sqlite:
        options = ["--single-transaction", "--exit-on-error", "--no-owner"]
        _run(settings, "pg_restore", [*options, "--no-privileges", str(file)])
        return
    target = _sqlite_file(settings)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _finished(target) as unfinished:
        _copy(file, unfinished)


@contextmanager
def _finished(file: Path) -> Iterator[Path]:
    """A name beside the file, which has it only when the block ends well."""
    if file.exists():
        raise BackupError(f"{file} exists, and is not overwritten")
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        yield unfinished
        unfinished.rename(file)
    except OSError as error:
        raise BackupError(f"cannot write {file}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    # Not one that comes into being by being opened.
    address = f"{source.absolute().as_uri()}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(address, uri=True)) as origin,
            closing(sqlite3.connect(target)) as copy,
        ):
            origin.execute(f"SELECT 1 FROM {VERSION_TABLE}")  # noqa: S608 - our own name
            origin.backup(copy)
    except sqlite3.Error as error:
        raise BackupError(f"{source} is no database of gradhealth: {error}") from error


def _sqlite_file(settings: StorageSettings) -> Path:
    return Path(str(settings.url.database))


def _run(settings: StorageSettings, program: str, options: Sequence[str]) -> None:
    url = settings.url.set(drivername="postgresql")
    # The command line is for everybody to see, the environment is not.
    environment = {**os.environ, "PGPASSWORD": url.password or ""}
    address = url._replace(password=None).render_as_string(hide_password=False)
    command = [program, f"--dbname={address}", *options]
    try:
        done = subprocess.run(  # noqa: S603 - nothing in it is a client's
            command, env=environment, stderr=subprocess.PIPE, text=True, check=False
        )
    except FileNotFoundError as error:
        raise BackupError(
            f"{program} is missing; it is one of PostgreSQL's client programs "
            "(Debian: postgresql-client)"
        ) from error
    if done.returncode:
        raise BackupError(done.stderr.strip())
