"""Landlock, the kernel's own sandbox: what a process may open from now on.

It needs no privileges, holds for root too, and cannot be taken back. A process inside
reaches none outside either: it cannot look into their memory or environment, nor send
them signals. https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
# Execute, write, read a file, list a folder; 13 rights exist since the first version,
# then came moving between folders (2), truncating (3) and ioctl on devices (5).
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1, 2, 4, 8
# Those that a file can have; the others are a folder's.
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 2**14 | 2**15
_RIGHTS = {1: 2**13 - 1, 2: 2**14 - 1, 3: 2**15 - 1, 5: 2**16 - 1}
# Bind and connect of TCP (4); sockets without a path, and signals (6).
_NETWORK = {1: 0, 4: 3}
_SCOPES = {1: 0, 6: 3}


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("access_fs", ctypes.c_uint64),
        ("access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class Sandbox:
    """What processes that enter may open; everything else is closed to them.

    Args:
        readable: Files, and folders with all below, that may be read and executed.
        writable: Files, and folders with all below, that may be written to as well.

    Raises:
        OSError: The kernel has no Landlock, or does not let us use it.
    """

    def __init__(self, readable: Iterable[Path], writable: Iterable[Path]) -> None:
        version = _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
        rules = _Ruleset(
            *(_known(of, version) for of in (_RIGHTS, _NETWORK, _SCOPES)),
        )
        self._ruleset = _call(
            _CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), 0
        )
        for path in readable:
            self._allow(path, _EXECUTE | _READ_FILE | _READ_FOLDER)
        for path in writable:
            self._allow(path, rules.access_fs & ~_EXECUTE)

    def enter(self) -> None:
        """Close the rest to this process and all it starts, for ever."""
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _call(_RESTRICT_SELF, self._ruleset, 0)

    def _allow(self, path: Path, rights: int) -> None:
        # What does not exist need not be opened.
        with suppress(FileNotFoundError):
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            if not path.is_dir():
                rights &= _OF_FILES
            rule = _PathBeneath(rights, parent)
            _call(_ADD_RULE, self._ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
            os.close(parent)


def _known(bits: dict[int, int], version: int) -> int:
    return bits[max(since for since in bits if since <= version)]


def _call(number: int, *arguments: object) -> int:
    if sys.platform != "linux":
        raise OSError(f"no Landlock on {sys.platform}")
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)
