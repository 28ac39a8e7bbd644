"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gradhealth.client import Client
from gradhealth.reports.base import reports

from .analyst import Analyst
from .local import LocalAnalyst
from .remote import RemoteAnalyst


def _known(name: str) -> str:
    if name not in reports():
        known = ", ".join(reports())
        raise typer.BadParameter(f"unknown format {name!r}; known: {known}")
    return name


Server: TypeAlias = Annotated[
    str | None,
    typer.Option(
        envvar="GRADHEALTH_SERVER",
        help="Address of a service that does the work, e.g. http://127.0.0.1:8000.",
    ),
]
Local: TypeAlias = Annotated[
    bool, typer.Option("--local", help="Work on this machine even if a server is set.")
]
Format: TypeAlias = Annotated[
    str, typer.Option("--format", callback=_known, help="text, json, ...")
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write the report to this file."),
]
DataDir: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--data", envvar="GRADHEALTH_DATA_DIR", help="Folder for the SQLite database."
    ),
]
Host: TypeAlias = Annotated[
    str, typer.Option(envvar="GRADHEALTH_HOST", help="Address to listen on.")
]
Port: TypeAlias = Annotated[
    int,
    typer.Option(
        envvar="GRADHEALTH_PORT", min=0, max=65535, help="0 takes a free port."
    ),
]


def choose_analyst(server: str | None, *, local: bool) -> Analyst:
    """A service where one is named, else this machine."""
    if server is None or local:
        return LocalAnalyst()
    return RemoteAnalyst(Client(server))
