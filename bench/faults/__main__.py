"""What is lost when processes and the database die under load, on PostgreSQL.

1,000 analyses from 10 projects come in over HTTP while workers, trainings and the
service are killed and the database goes away twice. Clients repeat what was not
answered, under the same key. Each analysis is two units: it sleeps, then leaves its
name in a file.
"""

import argparse
import os
import random
import socket
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.databases import PostgresServer, create_postgresql
from tests.support.fleet import Fleet
from tests.support.programs import Programs

from . import numbered_analysis
from .clients import read_all, submit_all
from .storm import Storm

WORKERS = ("one", "two", "three", "four")
NUM_PROJECTS = 10
NUM_KILLS = 20
PATIENCE_SECONDS = 600.0


def main():
    parser = argparse.ArgumentParser(prog="bench.faults")
    parser.add_argument("--analyses", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gh-") as name:
        folder = Path(name)
        server = PostgresServer(folder / "pg")
        try:
            measure(server, folder, options.analyses, random.Random(options.seed))
        finally:
            server.stop()


def measure(server, folder, num_analyses, chance):
    """Let the storm rage, wait for the last analysis, and print what was found."""
    log = folder / "names"
    log.touch()
    os.environ[numbered_analysis.LOG] = str(log)
    storage, port = create_postgresql(server), free_port()
    names = {
        f"project-{project}": [
            f"{project}-{number}" for number in range(num_analyses // NUM_PROJECTS)
        ]
        for project in range(NUM_PROJECTS)
    }
    fleet = Fleet(
        storage, analysis_module=numbered_analysis.__name__, log_level="ERROR"
    )
    service = Programs(storage, folder, port=port, log_level="ERROR")
    began = time.monotonic()
    with ThreadPoolExecutor() as threads, service, fleet:
        service.start("service")
        fleet.start(*WORKERS)
        storm = Storm(server, service, fleet, WORKERS, chance=chance)
        url = f"http://127.0.0.1:{port}"
        accepting = threads.submit(submit_all, url, names)
        storm.rage(NUM_KILLS)
        accepted = accepting.result()
        found = wait_for_the_last(url, accepted)
    tell(storm.seen, accepted, found, log.read_text().split())
    print(f"{time.monotonic() - began:.0f} s in all")


def wait_for_the_last(url, accepted):
    """The analyses once all have ended; as they are, when one does not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    open_ = list(accepted.values())
    ended = []
    while open_:
        shown = read_all(url, open_)
        late = time.monotonic() > deadline
        ended += [each for each in shown if each["finished_at"] or late]
        open_ = [each["id"] for each in shown if not (each["finished_at"] or late)]
        time.sleep(1.0)
    return ended


def tell(faults, accepted, found, names):
    """Print the table."""
    statuses = Counter(each["status"] for each in found)
    errors = Counter(each["error"]["message"] for each in found if each["error"])
    attempts = Counter(each["attempts"] for each in found)
    times = Counter(names)
    for fault, number in sorted(faults.items()):
        print(f"{number:6} x {fault}")
    print(f"{len(accepted):6} accepted, of them by status: {dict(statuses)}")
    print(f"{len(set(accepted.values())):6} different ids")
    print(f"{len(accepted.keys() - times.keys()):6} whose work left no name")
    print(f"{times.total() - len(times):6} names left a second time")
    print(f"       attempts: {dict(sorted(attempts.items()))}; errors: {dict(errors)}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


if __name__ == "__main__":
    main()
