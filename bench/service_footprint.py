"""How soon the service is ready, and what memory it holds, without torch."""

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

ROUNDS = 5
GRADHEALTH = Path(sys.executable).with_name("gradhealth")
SPEC = {"data": {"task": "clusters"}, "model": [{"type": "Linear", "out_features": 4}]}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def resident_mb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def one_round(folder):
    port = free_port()
    environment = os.environ | {"GRADHEALTH_DATA_DIR": folder}
    subprocess.run([GRADHEALTH, "migrate"], env=environment, check=True)
    began = time.perf_counter()
    process = subprocess.Popen(
        [GRADHEALTH, "serve", "--port", str(port)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if client.get("/readyz").status_code == httpx.codes.OK:
                    break
            time.sleep(0.02)
        ready = time.perf_counter() - began
        fresh = resident_mb(process.pid)
        for _ in range(50):
            request = {"kind": "architecture", "spec": SPEC}
            client.post("/v1/analyses", json=request).raise_for_status()
        used = resident_mb(process.pid)
    process.send_signal(signal.SIGTERM)
    process.wait(15)
    return ready, fresh, used


def main():
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        rounds = [one_round(folder) for _ in range(ROUNDS)]
    for name, unit, values in zip(
        ("ready after", "resident when ready", "resident after 50 posts"),
        ("s", "MB", "MB"),
        zip(*rounds, strict=True),
        strict=True,
    ):
        print(
            f"{name:24} {statistics.median(values):7.2f} {unit} "
            f"(median of {ROUNDS}; {min(values):.2f}-{max(values):.2f})"
        )


if __name__ == "__main__":
    main()
