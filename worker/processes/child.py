"""The template process: warms up once, then forks a training process for each job.

Importing torch and taking a first optimizer step costs seconds; a fork costs
milliseconds, starts with all that in memory, and may be killed, crash or run out of
memory without taking the template along.

The template itself never touches CUDA, whose state does not survive a fork: every
training process opens the GPU for itself, so one mechanism serves CPU and GPU.

The worker asks over the socket given as `--control`: one line of JSON with the
training process's connection attached is answered with `{"forked": pid}`. The end of
a fork is announced with `{"exited": pid, "status": wait status}`.
"""

import argparse
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Never, cast

from ..machine import GPUS
from .confinement import Confinement, adopt_orphans
from .lifeline import die_with_parent
from .unit_server import Limits, Units, serve_units

_LONGEST_REQUEST = 4096


class Template:
    """Forks on request and reports how the forks end."""

    def __init__(
        self, units: Units, control: socket.socket, confinement: Confinement
    ) -> None:
        self._units = units
        self._control = control
        self._confinement = confinement
        # A child's end wakes the loop through this pair: it may end at any time.
        self._wake, self._wake_up = socket.socketpair()
        self._wake.settimeout(0)
        self._wake_up.settimeout(0)
        self._forks: set[int] = set()

    def serve(self) -> None:
        """Serve until the worker closes the control socket."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_up.fileno())
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ, self._fork)
            selector.register(self._wake, selectors.EVENT_READ, self._reap)
            # The worker may leave while it is being told something.
            with suppress(ConnectionError):
                self._say(ready=True, exposed=self._confinement.exposed)
                while all(key.data() for key, _ in selector.select()):
                    pass
        signal.set_wakeup_fd(-1)
        for pid in self._forks:
            os.killpg(pid, signal.SIGKILL)

    def _fork(self) -> bool:
        request, descriptors, *_ = socket.recv_fds(self._control, _LONGEST_REQUEST, 1)
        if not request:
            return False
        connection = socket.socket(fileno=descriptors[0])
        template_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_training_process(connection, request, template_pid)
        connection.close()
        # Its own group before anybody knows of it, so that it can be killed with
        # whatever it starts.
        os.setpgid(pid, pid)
        self._forks.add(pid)
        self._say(forked=pid)
        return True

    def _become_training_process(
        self, connection: socket.socket, request: bytes, template_pid: int
    ) -> Never:
        status = 1
        try:
            die_with_parent(template_pid)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for inherited in (self._control, self._wake, self._wake_up):
                inherited.close()
            limits = Limits(**json.loads(request))
            self._confinement.enter(limits)
            serve_units(self._units, connection, limits)
            status = 0
        finally:
            # Not sys.exit: the template's stack lies below.
            os._exit(status)

    def _reap(self) -> bool:
        self._wake.recv(_LONGEST_REQUEST)
        while self._forks:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid in self._forks:
                self._forks.discard(pid)
                self._say(exited=pid, status=status)
        self._end_orphans()
        return True

    def _end_orphans(self) -> None:
        # What a training process started and left behind is ours now.
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        with suppress(FileNotFoundError):
            for pid in set(map(int, children.read_text().split())) - self._forks:
                os.kill(pid, signal.SIGKILL)

    def _say(self, **message: Any) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")


def _warm_units(module: str) -> Units:
    # Warm up as if there were no GPU, so that the template cannot touch one.
    gpus = os.environ.get(GPUS)
    os.environ[GPUS] = ""
    units = cast(Units, importlib.import_module(module))
    units.warm_up()
    del os.environ[GPUS]
    if gpus is not None:
        os.environ[GPUS] = gpus
    return units


def main() -> None:
    """Run as `python -m worker.processes.child`, by its `template.Template`."""
    parser = argparse.ArgumentParser(prog="worker.processes.child")
    parser.add_argument("--units", required=True)
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    die_with_parent(options.parent)
    adopt_orphans()
    # First, while there is one thread: a process with more may not move.
    confinement = Confinement(options.folder)
    units = _warm_units(options.units)
    confinement.prepare(units.WRITABLE)
    # What lives now lives for ever: the collector would only touch its pages, and a
    # touched page is copied into every fork.
    gc.collect()
    gc.freeze()
    Template(units, socket.socket(fileno=options.control), confinement).serve()
    sys.stdout.flush()
    # Not by returning: to take torch down would keep a worker from stopping, by up to a
    # second, for nothing.
    os._exit(0)


if __name__ == "__main__":
    main()
