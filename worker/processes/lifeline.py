"""Ties a process's life to its parent's."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Be killed when the parent dies, however it dies; exit if it is dead already.

    Linux only: elsewhere a process notices the closed connection when it next reads.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The signal is sent at the parent's death, so one before the call goes unseen.
    if os.getppid() != parent_pid:
        os._exit(1)
