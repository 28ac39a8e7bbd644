"""Real workers in real processes, to be killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Fleet:
    """Workers on one database, running the faulty units; all gone at the end.

    Args:
        storage: The database.
        root: Where the version of the project is that they run.
        settings: Without their prefix.
    """

    def __init__(self, storage, *, root=ROOT, **settings):
        self._root = root
        self._workers = {}
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(root),
            "GRADHEALTH_DATABASE_URL": storage.sync_url,
            "GRADHEALTH_UNITS_MODULE": "tests.support.faulty_units",
            "GRADHEALTH_ANALYSIS_MODULE": "tests.support.scripted_analysis",
            "GRADHEALTH_CHILD_MEMORY_MB": "256",
            **{
                f"GRADHEALTH_{key.upper()}": str(value)
                for key, value in settings.items()
            },
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in list(self._workers):
            self.kill(name)

    def start(self, *names):
        for name in names:
            self._workers[name] = subprocess.Popen(
                [sys.executable, "-m", "worker"],
                env={**self._environment, "GRADHEALTH_WORKER_ID": name},
                cwd=self._root,
            )

    def kill(self, *names):
        """Kill with signal 9, as the kernel would."""
        for name in names:
            self._workers[name].kill()
            self._workers.pop(name).wait()

    def pid(self, name):
        return self._workers[name].pid

    def stop(self, name):
        """Ask to stop, and return the exit code."""
        self._workers[name].send_signal(signal.SIGTERM)
        return self._workers.pop(name).wait(timeout=30)

    def freeze(self, name):
        self._workers[name].send_signal(signal.SIGSTOP)

    def thaw(self, name):
        self._workers[name].send_signal(signal.SIGCONT)
