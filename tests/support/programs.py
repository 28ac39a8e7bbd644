"""A service and a worker as processes of their own, what they log kept in files."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Programs:
    """`python -m service` and `python -m worker` on one database, all gone at the end.

    Args:
        storage: The database, with tables.
        folder: For what they log.
        settings: Without their prefix; names in capital letters are environment
            variables as they are.
    """

    def __init__(self, storage, folder, **settings):
        self._folder = folder
        self._processes = {}
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "GRADHEALTH_PORT": "0",
            "GRADHEALTH_DATABASE_URL": storage.sync_url,
            "GRADHEALTH_UNITS_MODULE": "tests.support.faulty_units",
            "GRADHEALTH_ANALYSIS_MODULE": "tests.support.quick_analysis",
            "GRADHEALTH_CHILD_MEMORY_MB": "256",
            **{
                name if name.isupper() else f"GRADHEALTH_{name.upper()}": str(value)
                for name, value in settings.items()
            },
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(30)

    def start(self, *modules):
        """Start `service`, `worker` or both, behind what they logged before."""
        for module in modules:
            with self._path(module).open("a") as log:
                self._processes[module] = subprocess.Popen(
                    [sys.executable, "-m", module],
                    env=self._environment,
                    cwd=ROOT,
                    stderr=log,
                )

    def kill(self, module):
        """Kill with signal 9."""
        process = self._processes.pop(module)
        process.kill()
        process.wait()

    def stop(self, module):
        """Ask to stop, and wait for it."""
        process = self._processes.pop(module)
        process.terminate()
        return process.wait(30)

    def log(self, module):
        """What it has logged so far."""
        return self._path(module).read_text()

    def urls(self):
        """The addresses the service listens on, the last one started; waits for it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for line in reversed(self.log("service").splitlines()):
                if "listening on" in line:
                    return re.findall(r"http://[\w.:]+", line)
            time.sleep(0.02)
        raise AssertionError(self.log("service"))

    def _path(self, module):
        return self._folder / f"{module}.log"
