"""`gradhealth up`: the whole product on one machine, until Ctrl-C."""

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from service.sockets import listen

from .options import DataDir, Host, Port
from .output import say
from .product import cancel_on_signal, running_product

DATABASE_URL = "GRADHEALTH_DATABASE_URL"


def up(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data: DataDir = Path("data"),
    workers: Annotated[
        int, typer.Option(envvar="GRADHEALTH_WORKERS", min=1, help="Worker processes.")
    ] = 1,
) -> None:
    """Start the service and its workers on a SQLite database, until Ctrl-C."""
    with listen(host, port) as listener, contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_run(listener, data, num_workers=workers))


async def _run(listener: socket.socket, data: Path, *, num_workers: int) -> None:
    cancel_on_signal()
    product = running_product(
        listener, data, num_workers=num_workers, environment=os.environ
    )
    async with product as url:
        where = DATABASE_URL if DATABASE_URL in os.environ else data
        say(f"gradhealth is ready on {url} (data in {where})")
        await asyncio.Event().wait()
