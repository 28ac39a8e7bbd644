"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from pydantic import TypeAdapter, ValidationError

from gradhealth.client import Client, key_in
from gradhealth.gate.pipelines import labels_of
from gradhealth.reports.base import reports
from gradhealth.schemas.analysis import ProjectName

from .analyst import Analyst
from .fast import FastAnalyst
from .remote import DEFAULT_PROJECT, RemoteAnalyst

_PROJECT: TypeAdapter[str] = TypeAdapter(ProjectName)


def _known(name: str) -> str:
    if name not in reports():
        known = ", ".join(reports())
        raise typer.BadParameter(f"unknown format {name!r}; known: {known}")
    return name


def _named(project: str) -> str:
    try:
        return _PROJECT.validate_python(project)
    except ValidationError:
        raise typer.BadParameter(
            f"no project can be called {project!r}: lower-case letters, digits, dots, "
            "dashes and underscores, at most 63"
        ) from None


Server: TypeAlias = Annotated[
    str | None,
    typer.Option(
        envvar="GRADHEALTH_SERVER",
        help="Address of a service that does the work, e.g. http://127.0.0.1:8000.",
    ),
]
Project: TypeAlias = Annotated[
    str,
    typer.Option(
        envvar="GRADHEALTH_PROJECT",
        callback=_named,
        help="The project on the service.",
    ),
]
Files: TypeAlias = Annotated[
    list[str], typer.Argument(help="Specs in JSON, logs, or globs.")
]
Fast: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--fast", help="Only what can be told without training, in under a second."
    ),
]
VerifyFixes: TypeAlias = Annotated[
    bool, typer.Option("--verify-fixes", help="Prove fixes by training with them.")
]
Timeout: TypeAlias = Annotated[
    float | None, typer.Option(min=1, help="Seconds for all files together.")
]
LogFormatName: TypeAlias = Annotated[
    str,
    typer.Option(
        "--log-format", metavar="F", help="The format of logs; auto recognises it."
    ),
]
Map: TypeAlias = Annotated[
    str,
    typer.Option(
        "--map",
        metavar="OURS:THEIRS,...",
        help="Names in logs: step:iteration,loss:train_loss,grad_norm:gnorm/*",
    ),
]
Layers: TypeAlias = Annotated[
    str,
    typer.Option(
        "--layers",
        metavar="A,B,...",
        help="Paths of layers from the input on, where logs do not tell.",
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
Outputs: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PATH|FORMAT=PATH",
        help="Write the report to this file; FORMAT=PATH writes one more.",
    ),
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


def choose_analyst(
    server: str | None,
    *,
    local: bool = False,
    fast: bool = False,
    project: str = DEFAULT_PROJECT,
) -> Analyst:
    """A service where one is named, else this machine; without training when fast."""
    if fast:
        return FastAnalyst()
    if server is None or local:
        # A worker's settings would be a fifth of a fast check, which needs none.
        from .local import LocalAnalyst  # noqa: PLC0415

        return LocalAnalyst()
    labels = labels_of(os.environ)
    return RemoteAnalyst(client_of(server), project=project, labels=labels)


def client_of(server: str) -> Client:
    """A client of a service, with the key of the environment."""
    return Client(server, api_key=key_in(os.environ))
