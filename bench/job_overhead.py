"""What a job costs beyond its work: POST with ?wait=10 until the 200, minus the work.

The work is the same function called in a warm process. A spec of 2 layers, 1 step,
1 seed, without fixes; each store with its own service and worker processes.
"""

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import torch

from tests.support.databases import PostgresServer
from worker import units

REPEATS = 50
SPEC = {
    "data": {"task": "clusters"},
    "model": [
        {"type": "Linear", "out_features": 8},
        {"type": "ReLU"},
        {"type": "Linear", "out_features": 4},
    ],
    "training": {"steps": 1},
    "probe": {"seeds": [0]},
}
REQUEST = {
    "kind": "architecture",
    "spec": SPEC,
    "options": {"verify_fixes": False},
}
GRADHEALTH = Path(sys.executable).with_name("gradhealth")


def warm_seconds():
    units.warm_up()
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        units.run("measure", {"spec": SPEC}, lambda _done, _total: None)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


@contextlib.contextmanager
def running(*commands, environment):
    processes = [
        subprocess.Popen([GRADHEALTH, *command], env=os.environ | environment)
        for command in commands
    ]
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(15)


def posted(url):
    with httpx.Client(base_url=url, timeout=30) as client:
        _until_ready(client)
        seconds = []
        for _ in range(REPEATS + 3):
            began = time.perf_counter()
            answer = client.post("/v1/analyses?wait=10", json=REQUEST)
            seconds.append(time.perf_counter() - began)
            assert answer.status_code == httpx.codes.OK, answer.text
        return seconds[3:]


def _until_ready(client):
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if client.get("/readyz").json().get("status") == "ok":
                return
        time.sleep(0.1)
    raise TimeoutError("the service did not get ready")


def main():
    torch.set_num_threads(1)
    warm = warm_seconds()
    print(f"the work alone: {1000 * warm:.1f} ms (median of {REPEATS})")
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        server = PostgresServer(Path(folder) / "pg")
        stores = {
            "SQLite": {"GRADHEALTH_DATA_DIR": folder},
            "PostgreSQL": {"GRADHEALTH_DATABASE_URL": server.create_database()},
        }
        for number, (name, environment) in enumerate(stores.items()):
            port = str(8930 + number)
            subprocess.run(
                [GRADHEALTH, "migrate"], env=os.environ | environment, check=True
            )
            parts = (["serve", "--port", port], ["worker"])
            with running(*parts, environment=environment):
                over = sorted(s - warm for s in posted(f"http://127.0.0.1:{port}"))
            print(
                f"{name:10} overhead {1000 * statistics.median(over):.0f} ms "
                f"(median of {REPEATS}; {1000 * over[0]:.0f}-{1000 * over[-1]:.0f})"
            )
        server.stop()


if __name__ == "__main__":
    main()
