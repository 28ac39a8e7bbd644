"""What this machine offers a job."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from gradhealth.schemas.analysis import Device

GPUS = "CUDA_VISIBLE_DEVICES"
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
# Written or shared without a file, in memory or swapped out.
_HELD = re.compile(r"^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB", re.MULTILINE)
_DEVICES = Path("/dev")
_NVIDIA = "nvidiactl"


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


def gpus(devices: Path = _DEVICES) -> list[str]:
    """The GPUs this process may see, as `CUDA_VISIBLE_DEVICES` names them.

    Found without torch.

    Args:
        devices: The folder of device files.
    """
    if not (devices / _NVIDIA).exists():
        return []
    visible = os.environ.get(GPUS)
    if visible is not None:
        return [name for name in visible.split(",") if name not in ("", "-1")]
    numbers = sorted(
        int(number)
        for path in devices.glob("nvidia[0-9]*")
        if (number := path.name.removeprefix("nvidia")).isdigit()
    )
    # Below some hypervisors a GPU has no file of its own.
    return [str(number) for number in numbers] or ["0"]


def device() -> str:
    """`cuda` where an NVIDIA GPU is visible, else `cpu`."""
    return "cuda" if gpus() else "cpu"


def queues() -> Sequence[Device]:
    """The kinds of work this machine can do, the rarest first."""
    return ("gpu", "cpu") if gpus() else ("cpu",)
