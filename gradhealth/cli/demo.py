"""`gradhealth demo`: three networks through the whole product, side by side."""

import asyncio
import os
import socket
import tempfile
import time
from pathlib import Path

import typer

from gradhealth.client import Client
from gradhealth.documents.strict_json import parse_object
from gradhealth.examples import example_text
from gradhealth.reports.base import Subject
from gradhealth.reports.paragraphs import WIDTH
from gradhealth.reports.text import TextReport
from gradhealth.schemas.analysis import Analysis
from service.sockets import listen

from .exit_codes import ExitCode
from .output import say
from .product import cancel_on_signal, running_product
from .progress import progress_of

SPECS = ("vanishing", "exploding", "healthy")
NUM_WORKERS = 2


def demo() -> None:
    """Show one vanishing, one exploding and one healthy network, side by side.

    Starts the service, its workers and a database in a temporary folder, submits three
    networks over HTTP, prints what comes back, and stops everything.
    """
    began = time.monotonic()
    say("Starting the service, the workers and a database ...")
    with (
        tempfile.TemporaryDirectory(prefix="gradhealth-demo-") as folder,
        listen("127.0.0.1", 0) as listener,
    ):
        try:
            asyncio.run(_run(listener, Path(folder)))
        except asyncio.CancelledError:
            raise typer.Exit(ExitCode.UNDECIDED) from None
    say(f"\nEverything is stopped again, after {time.monotonic() - began:.0f} s.")
    say("Next: `gradhealth up`, and `gradhealth analyze FILE` in another terminal.")


async def _run(listener: socket.socket, folder: Path) -> None:
    cancel_on_signal()
    # The user's own settings are for the user's own product.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GRADHEALTH_")
    }
    environment["GRADHEALTH_LOG_LEVEL"] = "WARNING"
    product = running_product(
        listener, folder, num_workers=NUM_WORKERS, environment=environment
    )
    async with product as url:
        await asyncio.to_thread(_analyse_all, url)


def _analyse_all(url: str) -> None:
    # Without patience: after Ctrl-C the service does not come back.
    with Client(url, patience_seconds=0) as client:
        submitted = [_submit(client, name) for name in SPECS]
        for name, analysis_id in submitted:
            finished = _follow(client, name, analysis_id)
            error = finished.error.message if finished.error else None
            say("\n" + "─" * WIDTH + "\n")
            say(TextReport().render([Subject(name, finished.result, error)]))


def _submit(client: Client, demo_name: str) -> tuple[str, str]:
    text = example_text(demo_name).encode()
    spec = parse_object(text)
    name = spec["name"]
    analysis = client.submit(spec, project="demo")
    say(f"POST /v1/analyses → {analysis.links.self}  {name}")
    return name, analysis.id


def _follow(client: Client, name: str, analysis_id: str) -> Analysis:
    with progress_of(name) as show:
        for analysis in client.follow(analysis_id):
            show(analysis.progress)
    return analysis
