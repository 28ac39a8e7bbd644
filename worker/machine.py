"""What this machine offers a job."""

import os
import re
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_NVIDIA = Path("/dev/nvidiactl")
# Written or shared without a file, in memory or swapped out.
_HELD = re.compile(r"^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB", re.MULTILINE)


def memory_bytes() -> int:
    """Memory of the machine, or of the container when that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):
        # No container, or one without a limit ("max").
        return machine


def held_bytes(pid: int) -> int:
    """Memory that a process holds and nobody could take back; 0 when it is gone.

    What it shares with the process it was forked from counts too.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 1024 * sum(map(int, _HELD.findall(status)))


def device() -> str:
    """`cuda` where an NVIDIA driver is visible, else `cpu`; found without torch."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return "cuda" if _NVIDIA.exists() and not hidden else "cpu"
