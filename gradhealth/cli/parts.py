"""`gradhealth serve`, `worker`, `migrate`, `key`, ...: the parts, for a deployment.

Each takes over this process: the program it becomes imports what the command line
itself never needs (web framework, database, job engine), and signals reach it directly.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import DataDir, Host, Port


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run the HTTP service alone."""
    os.environ |= {"GRADHEALTH_HOST": host, "GRADHEALTH_PORT": str(port)}
    _become("service")


def worker() -> None:
    """Run one worker alone."""
    _become("worker")


def migrate() -> None:
    """Create the database's tables, or bring them to the newest schema."""
    _become("storage")


def backup(
    file: Annotated[Path, typer.Argument(help="A new file.")],
    data: DataDir = Path("data"),
) -> None:
    """Write the whole database to a file, while it is in use."""
    os.environ["GRADHEALTH_DATA_DIR"] = str(data)
    _become("storage.database.backup_commands", "backup", str(file))


def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.")],
    data: DataDir = Path("data"),
) -> None:
    """Fill a new database from a backup."""
    os.environ["GRADHEALTH_DATA_DIR"] = str(data)
    _become("storage.database.backup_commands", "restore", str(file))


def key(context: typer.Context) -> None:
    """Make, list, revoke and rotate the keys of a service."""
    _become("storage.access.key_commands", *context.args)


def _become(module: str, *arguments: str) -> None:
    os.execv(  # noqa: S606 - there is nothing for a shell to do
        sys.executable, [sys.executable, "-m", module, *arguments]
    )
