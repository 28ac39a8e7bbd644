"""What a training process gives up before it sees a spec.

A spec is data and never becomes code; this is for the day when a fault in native code
turns it into some. What the kernel does not grant is named in `exposed`, and said by
`/readyz`.
"""

import ctypes
import os
import re
import resource
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .landlock import Sandbox
from .unit_server import Limits

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_CHILD_SUBREAPER = 36
_CAPABILITY_VERSION = 0x20080522
# Beside Python and its packages: libraries, what the processor is, random numbers.
_SYSTEM = ("/usr", "/lib", "/lib64", "/proc", "/sys/devices", "/etc/ld.so.cache")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_OPEN_FILES = 256
# Address space that threads and allocators reserve and never use.
_RESERVED_BYTES = 2**30
# Between the signal that says why, and the end whatever is done about it.
_CPU_GRACE_SECONDS = 5


class Confinement:
    """Prepared once in the template, entered by each of its forks at no cost.

    Attributes:
        exposed: What trainings are not kept from: `network`, `files`.
    """

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o500)
        self._folder = folder
        self._sandbox: Sandbox | None = None
        self._writes_nothing = True
        self.exposed = [] if leave_network() else ["network"]

    def prepare(self, writable: Sequence[Path]) -> None:
        """Look what may be opened: call it when everything is imported.

        Args:
            writable: Folders for the units' own files.
        """
        self._writes_nothing = not writable
        try:
            self._sandbox = Sandbox(
                {self._folder, *_readable()}, [*map(Path, _DEVICES), *writable]
            )
        except OSError:
            self.exposed.append("files")

    def enter(self, limits: Limits) -> None:
        """Give up everything that a training does not need, for ever.

        With a GPU it keeps its files: the driver's own are many, and none of ours.
        """
        os.chdir(self._folder)
        _limit_use(limits)
        if limits.with_gpu:
            return
        _limit_files(0 if self._writes_nothing else resource.RLIM_INFINITY)
        if self._sandbox is not None:
            self._sandbox.enter()
        _drop_capabilities()


def leave_network() -> bool:
    """Move this process to a network of its own, where nobody else is.

    Returns:
        Whether the kernel let it: to root, and to others in a user namespace.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    # Keeps its own name; without that it would still own its files.
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def adopt_orphans() -> None:
    """Become the parent of whatever a child of ours leaves behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _readable() -> set[Path]:
    paths = {Path(sys.prefix), Path(sys.base_prefix), *map(Path, _SYSTEM)}
    paths |= {Path(path) for path in sysconfig.get_paths().values()}
    # Not the folder they stand in: that of a checkout has the data beside the code.
    for name, module in list(sys.modules.items()):
        if "." not in name:
            paths |= {Path(path) for path in getattr(module, "__path__", ())}
    return paths


def _limit_use(limits: Limits) -> None:
    cpu_seconds = limits.cpu_seconds
    resource.setrlimit(
        resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + _CPU_GRACE_SECONDS)
    )
    # It would hold what the training had in memory.
    _limit(resource.RLIMIT_CORE, 0)
    if not limits.with_gpu:
        # Private writable memory, which is what a training fills; address space is
        # reserved far beyond that, and bounds what is shared.
        _limit(resource.RLIMIT_DATA, _held("VmData") + limits.memory_bytes)
        reserved = _held("VmSize") + _RESERVED_BYTES
        _limit(resource.RLIMIT_AS, reserved + limits.memory_bytes)


def _limit_files(largest_bytes: int) -> None:
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, largest_bytes)


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


def _held(what: str) -> int:
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def _drop_capabilities() -> None:
    # With them root could raise its own limits again.
    if sys.platform == "linux":
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
        nothing = (ctypes.c_uint32 * 6)()
        ctypes.CDLL(None).capset(ctypes.byref(header), ctypes.byref(nothing))
