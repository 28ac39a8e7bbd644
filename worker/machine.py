"""What this machine offers a job."""

import os
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_NVIDIA = Path("/dev/nvidiactl")


def memory_bytes() -> int:
    """Memory of the machine, or of the container when that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):
        # No container, or one without a limit ("max").
        return machine


def device() -> str:
    """`cuda` where an NVIDIA driver is visible, else `cpu`; found without torch."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return "cuda" if _NVIDIA.exists() and not hidden else "cpu"
