"""Runs the service on a socket until it is told to stop."""

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence

import uvicorn
from pydantic import ValidationError

from gradhealth.telemetry.log_lines import set_up_logs
from gradhealth.telemetry.tracing import set_up_tracing
from storage.config import StorageSettings

from .access.keyless import check_keys
from .app import create_app
from .config import ServiceSettings
from .protocol import Protocol
from .sockets import CannotListenError, listen, url_of

# Requests that wait (`?wait=`) are cut off, so that a stop takes seconds.
STOP_SECONDS = 3

logger = logging.getLogger("service")


def main() -> None:
    """Reads the settings, listens and serves until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m service")
    parser.add_argument("--fd", type=int, help="an inherited socket to listen on")
    inherited = parser.parse_args().fd
    try:
        settings, storage = ServiceSettings(), StorageSettings()
        if inherited is None:
            listener = listen(settings.host, settings.port)
        else:
            listener = socket.socket(fileno=inherited)
        host, port, *_ = listener.getsockname()
        settings = settings.model_copy(update={"host": host, "port": port})
        asyncio.run(check_keys(host, storage))
        listeners = [listener]
        if settings.metrics_port is not None:
            listeners.append(listen(settings.metrics_host, settings.metrics_port))
            metrics_port = listeners[-1].getsockname()[1]
            settings = settings.model_copy(update={"metrics_port": metrics_port})
    except (ValidationError, CannotListenError) as error:
        sys.exit(str(error))
    set_up_logs(settings.log_level, settings.log_format)
    set_up_tracing("gradhealth-service")
    # The web server's own steps are no news.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    serve(settings, storage, listeners)


def serve(
    settings: ServiceSettings,
    storage: StorageSettings,
    listeners: Sequence[socket.socket],
) -> None:
    """Serves on listening sockets until SIGTERM or Ctrl-C."""
    config = uvicorn.Config(
        create_app(settings, storage),
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        # Ours stay in charge: warnings and errors, one line each.
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    # uvicorn stops cleanly on these, and then raises them once more.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    logger.info("listening on %s", " and ".join(map(url_of, listeners)))
    uvicorn.Server(config).run(sockets=[*listeners])
