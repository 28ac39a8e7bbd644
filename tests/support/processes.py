"""Looking at processes from outside."""

import asyncio
from pathlib import Path


async def pid_in(file):
    """The process id that a unit writes into the file when it begins."""
    async with asyncio.timeout(20):
        while not (file.exists() and file.read_text()):
            await asyncio.sleep(0.01)
    return int(file.read_text())


def parent_of(pid):
    return int(_status(pid)["PPid"])


async def gone(pid, seconds=2.0):
    """Wait until the process is dead; fail when it is not within that time."""
    async with asyncio.timeout(seconds):
        # A dead process stays listed until somebody asks how it died.
        while not _status(pid).get("State", "Z").startswith(("Z", "X")):
            await asyncio.sleep(0.01)


def _status(pid):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {name: value.strip() for name, _, value in (e.partition(":") for e in lines)}
