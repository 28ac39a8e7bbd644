"""Control groups: what a training and all that it starts may use together (cgroup v2).

Made where this process may make them: as root, or in a folder that was delegated to it.
Elsewhere the limits of each single process hold alone (`confinement.py`).
"""

import itertools
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_MOUNTS, _OWN = Path("/proc/self/mounts"), Path("/proc/self/cgroup")
# How many processes and threads; a training has a dozen.
_MOST_TASKS = 512
# Not in every kernel.
_OPTIONAL = "memory.swap.max"


class ControlGroup:
    """A group with its limits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, pid: int) -> None:
        """Move a process into it; what it starts from then on is in it too."""
        with suppress(ProcessLookupError):
            (self._folder / "cgroup.procs").write_text(str(pid))

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether the kernel ended it for holding more than it may."""
        events = (self._folder / "memory.events").read_text()
        return re.search(r"^oom_kill [1-9]", events, re.MULTILINE) is not None

    def end(self) -> None:
        """Kill whatever is left in it, and remove it."""
        with suppress(OSError):
            (self._folder / "cgroup.kill").write_text("1")
        # Where something is still dying, `ControlGroups.make` removes it later.
        with suppress(OSError):
            self._folder.rmdir()


class ControlGroups:
    """Makes groups below the one this process is in.

    Args:
        folder: That one's.
        controllers: What can be limited there, such as `memory`.
    """

    def __init__(self, folder: Path, controllers: frozenset[str]) -> None:
        self._folder = folder
        self._controllers = controllers
        self._prefix = f"gradhealth-{os.getpid()}-"
        self._numbers = itertools.count(1)

    @classmethod
    def delegated(
        cls,
        needed: str = "memory",
        *,
        mounts: Path = _MOUNTS,
        own: Path = _OWN,
    ) -> "ControlGroups | None":
        """Those this process may make; None where it may not.

        Args:
            needed: The controller without which they are of no use.
            mounts: What is mounted where, as the kernel tells it.
            own: Which groups this process is in, as the kernel tells it.
        """
        try:
            folder = _own_folder(mounts.read_text(), own.read_text())
            if folder is None:
                return None
            offered = set((folder / "cgroup.controllers").read_text().split())
            if needed not in offered:
                return None
            wanted = {needed, "pids"} & offered
            _hand_down(folder, wanted)
            groups = cls(folder, frozenset(wanted))
            groups.limited(memory_bytes=2**30).end()
        except OSError:
            return None
        return groups

    def limited(self, memory_bytes: int) -> ControlGroup:
        """A group whose processes may hold so much memory together."""
        return self.make(
            {
                "memory.max": str(memory_bytes),
                "memory.swap.max": "0",
                "memory.oom.group": "1",
                "pids.max": str(_MOST_TASKS),
            }
        )

    def make(self, limits: Mapping[str, str]) -> ControlGroup:
        """A group with limits, by the kernel's names of their files.

        Those of controllers that are not there are left out.
        """
        for left in self._folder.glob(f"{self._prefix}*"):
            with suppress(OSError):
                left.rmdir()
        folder = self._folder / f"{self._prefix}{next(self._numbers)}"
        folder.mkdir()
        for name, value in limits.items():
            controller = name.partition(".")[0]
            there = name != _OPTIONAL or (folder / name).exists()
            if controller in self._controllers and there:
                (folder / name).write_text(value)
        return ControlGroup(folder)


def _own_folder(mounts: str, own: str) -> Path | None:
    mounted = re.search(r"^\S+ (\S+) cgroup2 ", mounts, re.MULTILINE)
    group = re.search(r"^0::/(.*)$", own, re.MULTILINE)
    if mounted is None or group is None:
        return None
    return Path(mounted[1]) / group[1]


def _hand_down(folder: Path, wanted: set[str]) -> None:
    """Let groups below the folder limit what is wanted."""
    control = folder / "cgroup.subtree_control"
    missing = wanted - set(control.read_text().split())
    if not missing:
        return
    # A group that hands down has no processes of its own, but for the uppermost.
    if (folder / "cgroup.type").exists():
        ours = folder / f"gradhealth-worker-{os.getpid()}"
        ours.mkdir(exist_ok=True)
        (ours / "cgroup.procs").write_text(str(os.getpid()))
    control.write_text(" ".join(f"+{each}" for each in sorted(missing)))
