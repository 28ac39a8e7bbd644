"""A disk that is full or read-only, and a clock that jumps: what is told, what is lost.

On SQLite, with a worker whose analyses take no time. The disk is a small tmpfs, so root
is needed; the clock is libfaketime's (`apt-get install libfaketime`).
"""

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

SPEC = {"data": {"task": "clusters"}, "model": [{"type": "Linear", "out_features": 4}]}
BODY = {"kind": "architecture", "spec": SPEC}
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
DISK = "16m"
NUM_ANALYSES = 20
END_SECONDS = 60


@contextlib.contextmanager
def small_disk():
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder]
        subprocess.run(mount, check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


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


def full_disk():
    with small_disk() as disk:
        environment = UNLIMITED | {"GRADHEALTH_DATA_DIR": str(disk / "data")}
        gradhealth("migrate", environment=environment)
        with product(environment) as client:
            ids, _ = post(client)
            filler = disk / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            more, statuses = post(client, 200)
            print(f"  full: POST {dict(statuses)}; {told(client)}")
            filler.unlink()
            after, statuses = post(client)
            lost = unfinished(client, ids + more + after)
            print(f"  room again: POST {dict(statuses)}; {lost} lost")


def read_only_disk():
    with small_disk() as disk:
        environment = UNLIMITED | {"GRADHEALTH_DATA_DIR": str(disk / "data")}
        gradhealth("migrate", environment=environment)
        with product(environment, workers=0) as client:
            ids, _ = post(client)
        remount(disk, "ro")
        try:
            with product(environment, workers=0) as client:
                _, statuses = post(client)
                print(f"  read-only: POST {dict(statuses)}; {told(client)}")
        except TimeoutError as error:
            print(f"  read-only: does not start: {str(error).splitlines()[-1:]}")
        remount(disk, "rw")
        with product(environment) as client:
            print(f"  writable again: {unfinished(client, ids)} lost")


def remount(disk, mode):
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


def jumping_clock():
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        clock = Path(folder) / "clock"
        clock.write_text("+0")
        environment = UNLIMITED | {
            "GRADHEALTH_DATA_DIR": f"{folder}/data",
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        gradhealth("migrate", environment=environment)
        with product(environment, workers=2) as client:
            ids, _ = post(client)
            for jump in ("+3600", "-3600", "+0"):
                clock.write_text(jump)
                more, statuses = post(client)
                ids += more
                lost = unfinished(client, ids)
                readiness = client.get("/readyz").json()
                print(f"  {jump} s: POST {dict(statuses)}; {lost} lost; {readiness}")
            listed = client.get("/v1/analyses", params={"limit": 200}).json()["items"]
            attempts = Counter(item["attempts"] for item in listed)
            print(f"  {len(listed)} of {len(ids)} listed; attempts {dict(attempts)}")


def main():
    for scenario in (full_disk, read_only_disk, jumping_clock):
        print(scenario.__name__.replace("_", " "), flush=True)
        scenario()


if __name__ == "__main__":
    main()
