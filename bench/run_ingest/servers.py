"""Servers in processes of their own, and the CPU time that they take."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

GRADHEALTH = Path(sys.executable).with_name("gradhealth")
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A process with its children, once it answers."""

    def __init__(self, command, environment, *, port, health):
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.http = httpx.Client(base_url=self.url, timeout=120, trust_env=False)
        self._wait(health)

    def _wait(self, health):
        for _ in range(1200):
            with contextlib.suppress(httpx.TransportError):
                if self.http.get(health).is_success:
                    return
            time.sleep(0.1)
        raise TimeoutError(self.url)

    def cpu_seconds(self):
        """Of the process and all below it, system calls included."""
        return sum(map(_cpu_seconds, _family(self._process.pid)))

    def stop(self):
        self.http.close()
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def gradhealth(environment):
    subprocess.run([GRADHEALTH, "migrate"], env=os.environ | environment, check=True)
    port = _free_port()
    command = [GRADHEALTH, "serve", "--port", str(port)]
    return Server(command, environment, port=port, health="/readyz")


def mlflow(python, folder):
    """One process with one worker: others would only idle."""
    port = _free_port()
    command = [
        *(Path(python).with_name("mlflow"), "server", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", folder),
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    return Server(command, quiet, port=port, health="/health")


def _family(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))
    yield pid


def _cpu_seconds(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
