"""A disk that is full or read-only, and a clock that jumps: what is told, what is lost.

With workers whose analyses take no time. The disk is a small tmpfs, so root is needed;
the clock is libfaketime's (`apt-get install libfaketime`), for our programs alone.
"""

import argparse
import contextlib
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from bench.load.servers import (
    INSTANT_WORK,
    UNLIMITED,
    gradhealth,
    running_service,
    running_workers,
)
from tests.support.databases import PostgresServer

SPEC = {"data": {"task": "clusters"}, "model": [{"type": "Linear", "out_features": 4}]}
BODY = {"kind": "architecture", "spec": SPEC}
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
SQLITE_DISK, POSTGRESQL_DISK = "16m", "192m"
NUM_ANALYSES = 20
MOST_SEGMENTS = 100
END_SECONDS = 60


@contextlib.contextmanager
def small_disk(size):
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        subprocess.run(mount, check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


@contextlib.contextmanager
def sqlite(folder):
    """The settings of a migrated database."""
    environment = UNLIMITED | {"GRADHEALTH_DATA_DIR": str(folder / "data")}
    gradhealth("migrate", environment=environment)
    yield environment


@contextlib.contextmanager
def postgresql(folder):
    """The settings of a migrated database, and its server."""
    server = PostgresServer(folder / "pg")
    try:
        url = server.create_database()
        environment = UNLIMITED | {"GRADHEALTH_DATABASE_URL": url}
        gradhealth("migrate", environment=environment)
        yield environment, server
    finally:
        server.stop()


@contextlib.contextmanager
def product(environment, *, workers=1):
    with (
        running_service(environment) as server,
        running_workers(environment, workers, **INSTANT_WORK),
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        yield client


def post(client, count=NUM_ANALYSES):
    """Ids of what was accepted, and how often each status came."""
    answers = [client.post("/v1/analyses", json=BODY) for _ in range(count)]
    accepted = [answer.json()["id"] for answer in answers if answer.is_success]
    for answer in answers:
        if not answer.is_success:
            print(f"    refused with {answer.status_code}: {answer.json()['detail']}")
            break
    return accepted, Counter(answer.status_code for answer in answers)


def unfinished(client, ids):
    """How many do not succeed in time."""
    deadline = time.monotonic() + END_SECONDS
    left = set(ids)
    while left and time.monotonic() < deadline:
        for id_ in [*left]:
            answer = client.get(f"/v1/analyses/{id_}")
            if answer.is_success and answer.json()["status"] == "succeeded":
                left.discard(id_)
        time.sleep(0.2)
    return len(left)


def told(client):
    """What the service says about itself and about its analyses, by status."""
    asked = {path: client.get(path) for path in ("/readyz", "/v1/analyses")}
    return {path: answer.status_code for path, answer in asked.items()} | {
        "readyz": asked["/readyz"].json()
    }


def full_disk_sqlite():
    with (
        small_disk(SQLITE_DISK) as disk,
        sqlite(disk) as environment,
        product(environment) as client,
    ):
        ids, _ = post(client)
        with filled(disk):
            ids += refused(client, "full")
        all_goes_on(client, ids)


def full_disk_postgresql():
    with (
        small_disk(POSTGRESQL_DISK) as disk,
        postgresql(disk) as (environment, server),
        product(environment) as client,
    ):
        ids, _ = post(client)
        print(f"  {unfinished(client, ids)} lost before")
        with filled(disk):
            ids += refused(client, "full")
            until_it_panics(server)
            ids += refused(client, "no room for the write-ahead log, server down")
        server.start()
        all_goes_on(client, ids)


@contextlib.contextmanager
def filled(disk):
    """No room at all, until the end."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


def until_it_panics(server):
    """Use up what PostgreSQL has left of its log: then it stops itself."""
    with contextlib.suppress(subprocess.CalledProcessError):
        for number in range(MOST_SEGMENTS):
            server.execute(
                f"SELECT pg_logical_emit_message(true, 'bench', '{number}');"
                "SELECT pg_switch_wal()"
            )
        raise AssertionError("it found room")


def refused(client, state):
    """What was accepted in that state, after telling what was not."""
    accepted, statuses = post(client, 200)
    print(f"  {state}: POST {dict(statuses)}; {told(client)}")
    return accepted


def all_goes_on(client, ids):
    """Tell when work is accepted again, and what was lost."""
    began_at, statuses = time.monotonic(), Counter()
    while not statuses[202] and time.monotonic() < began_at + END_SECONDS:
        more, statuses = post(client)
        ids = ids + more
    seconds = time.monotonic() - began_at
    lost = unfinished(client, ids)
    print(f"  good again: POST {dict(statuses)} after {seconds:.1f} s; {lost} lost")


def read_only_sqlite():
    with small_disk(SQLITE_DISK) as disk, sqlite(disk) as environment:
        with product(environment, workers=0) as client:
            ids, _ = post(client)
        remount(disk, "ro")
        try:
            with product(environment, workers=0) as client:
                ids += refused(client, "read-only")
        except TimeoutError as error:
            print(f"  read-only: does not start: {str(error).splitlines()[-1:]}")
        remount(disk, "rw")
        with product(environment) as client:
            all_goes_on(client, ids)


def read_only_postgresql():
    """As a server that became a standby is; on a read-only disk none starts."""
    with (
        tempfile.TemporaryDirectory(prefix="gh-") as folder,
        postgresql(Path(folder)) as (environment, server),
        product(environment) as client,
    ):
        ids, _ = post(client)
        print(f"  {unfinished(client, ids)} lost before")
        set_read_only(server, "on")
        ids += refused(client, "read-only")
        set_read_only(server, "off")
        all_goes_on(client, ids)


def set_read_only(server, value):
    server.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
    server.execute("SELECT pg_reload_conf()")


def remount(disk, mode):
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


def jumping_clock_sqlite():
    with tempfile.TemporaryDirectory(prefix="gh-") as name:
        folder = Path(name)
        with sqlite(folder) as environment:
            jump(environment, folder / "clock")


def jumping_clock_postgresql():
    with tempfile.TemporaryDirectory(prefix="gh-") as name:
        folder = Path(name)
        with postgresql(folder) as (environment, _):
            jump(environment, folder / "clock")


def jump(environment, clock):
    """Work while the clock of service and workers, not the server's, jumps."""
    clock.write_text("+0")
    faked = environment | {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with product(faked, workers=2) as client:
        ids, _ = post(client)
        for seconds in ("+3600", "-3600", "+0"):
            clock.write_text(seconds)
            more, statuses = post(client)
            ids += more
            lost = unfinished(client, ids)
            readiness = client.get("/readyz").json()
            print(f"  {seconds} s: POST {dict(statuses)}; {lost} lost; {readiness}")
        listed = client.get("/v1/analyses", params={"limit": 200}).json()["items"]
        attempts = Counter(item["attempts"] for item in listed)
        print(f"  {len(listed)} of {len(ids)} listed; attempts {dict(attempts)}")


SCENARIOS = (
    full_disk_sqlite,
    full_disk_postgresql,
    read_only_sqlite,
    read_only_postgresql,
    jumping_clock_sqlite,
    jumping_clock_postgresql,
)


def main():
    names = [scenario.__name__ for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar=f"of {', '.join(names)}")
    chosen = parser.parse_args().scenarios or names
    for scenario in SCENARIOS:
        if scenario.__name__ in chosen:
            print(scenario.__name__.replace("_", " "), flush=True)
            scenario()


if __name__ == "__main__":
    main()
