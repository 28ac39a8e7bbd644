"""Databases, and the product's own processes on them, for as long as a block lasts."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.support.databases import PostgresServer

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30
# Nobody is to be held up by how often it asks.
UNLIMITED = {
    "GRADHEALTH_KEY_REQUESTS_PER_MINUTE": "100000000",
    "GRADHEALTH_PROJECT_REQUESTS_PER_MINUTE": "100000000",
    "GRADHEALTH_WRONG_KEYS_PER_MINUTE": "100000000",
    "GRADHEALTH_PROJECT_OPEN_ANALYSES": "100000000",
}
# Work that takes no time: analyses are to end, not to be trained.
INSTANT_WORK = {
    "analysis_module": "bench.load.instant_analysis",
    "units_module": "tests.support.faulty_units",
}


@contextlib.contextmanager
def databases(*names):
    """The environment of a fresh database of each kind, `SQLite` and `PostgreSQL`."""
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        found, server = {}, None
        if "SQLite" in names:
            found["SQLite"] = {"GRADHEALTH_DATA_DIR": f"{folder}/data"}
        if "PostgreSQL" in names:
            server = PostgresServer(Path(folder) / "pg")
            url = server.create_database()
            found["PostgreSQL"] = {"GRADHEALTH_DATABASE_URL": url}
        try:
            for environment in found.values():
                gradhealth("migrate", environment=environment)
            yield found
        finally:
            if server is not None:
                server.stop()


def gradhealth(*arguments, environment, root=ROOT):
    """What a command of the product prints, by the version at that place."""
    return subprocess.run(
        [sys.executable, "-m", "gradhealth.cli", *arguments],
        env=os.environ | {"PYTHONPATH": str(root)} | environment,
        cwd=root,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()


def create_key(environment, project, *scopes):
    """The text of a new key."""
    arguments = [part for scope in scopes for part in ("--scope", scope)]
    return gradhealth(
        "key", "create", "--project", project, *arguments, environment=environment
    ).splitlines()[0]


@dataclass(frozen=True)
class Server:
    """A service that runs.

    Attributes:
        log: What it writes.
    """

    url: str
    process: psutil.Process
    log: Path

    def cpu_seconds(self):
        """Time that its threads have spent computing."""
        times = self.process.cpu_times()
        return times.user + times.system

    def resident_mb(self):
        return self.process.memory_info().rss / 2**20

    def num_connections(self):
        """Of clients and to the database."""
        return len(self.process.net_connections())


@contextlib.contextmanager
def running_service(environment, *command, prefix=(), root=ROOT):
    """A service on a port of its own.

    Args:
        environment: Settings.
        command: The module to run with its arguments; `service` by default.
        prefix: A program that starts it, with its arguments.
        root: Where the version of the project is that runs.
    """
    with tempfile.TemporaryDirectory(prefix="gh-log-") as folder:
        log = Path(folder) / "service.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", *(command or ["service"])],
                env=os.environ
                | {"GRADHEALTH_PORT": "0", "PYTHONPATH": str(root)}
                | environment,
                cwd=root,
                stderr=file,
            )
        try:
            url = _url(process, log)
            yield Server(url, psutil.Process(process.pid), log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)


@contextlib.contextmanager
def running_workers(environment, count, **settings):
    """As many workers; killed at the end."""
    known = {f"GRADHEALTH_{key.upper()}": str(value) for key, value in settings.items()}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "worker"],
            env=os.environ
            | environment
            | known
            | {"GRADHEALTH_WORKER_ID": f"worker-{number}"},
            cwd=ROOT,
        )
        for number in range(count)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(15)


def _url(process, log):
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = re.search(r"http://\S+", log.read_text())
        if found and _answers(found[0]):
            return found[0]
        time.sleep(0.05)
    raise TimeoutError(log.read_text())


def _answers(url):
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz").status_code == httpx.codes.OK
    return False
