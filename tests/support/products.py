"""The whole product as a user starts it."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Product:
    process: subprocess.Popen
    ready_line: str

    @property
    def url(self):
        return re.search(r"http://\S+", self.ready_line)[0]


@contextmanager
def running_product(data_dir, *, port=0, **environment):
    """`gradhealth up`, on a free port unless one is given, killed after the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gradhealth.cli", "up", "--port", str(port)],
        env={**os.environ, "GRADHEALTH_DATA_DIR": str(data_dir), **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Product(process, process.stdout.readline())
        finally:
            process.kill()


def resident_mb(pid):
    """Memory that a process holds, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)
