"""The worker's side of the template process, which training processes fork from."""

import asyncio
import json
import logging
import os
import re
import socket
import sys
from asyncio import Future
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from tempfile import TemporaryDirectory
from typing import Any

from gradhealth.exceptions import ChildCrashedError, JobError

from .control_groups import ControlGroups
from .training_process import TrainingProcess
from .unit_server import Limits
from .wire import Message

_READY_SECONDS = 120.0
_STOP_SECONDS = 1.0
_words = logging.getLogger("worker.measuring.training")
_logger = logging.getLogger(__name__)
_LOG_BYTES = 65_536
# All that a training process learns of its surroundings: where programs and libraries
# are, and how to compute. Nothing of the database, of keys, or of the machine's user.
_PASSED = re.compile(
    r"PATH|LANG|LC_.*|TZ|LD_LIBRARY_PATH|VIRTUAL_ENV|PYTHON.*|COVERAGE_.*"
    r"|(CUDA|NVIDIA|OMP|KMP|GOMP|MKL|OPENBLAS|TORCH|PYTORCH)_.*"
)
_ENVIRONMENT = {
    # Thread pools do not survive a fork, so the template must not start any.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Idle threads sleep instead of spinning: where cores are shared, spinning makes a
    # training with two threads ten times slower than with one.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Lets torch look for a GPU without opening it: that would not survive either.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
# A fork's id, and the future of its wait status.
Fork = tuple[int, Future[int | None]]


class Template:
    """A running template; dies with this process, and its forks with it.

    Attributes:
        exposed: What its forks are not kept from: `network`, `files`.
    """

    def __init__(
        self,
        process: Process,
        control: socket.socket,
        folder: TemporaryDirectory[str],
        groups: ControlGroups | None,
    ) -> None:
        self._process = process
        self._control = control
        self._folder = folder
        self._groups = groups
        self.exposed: Sequence[str] = ()
        self._one_request = asyncio.Lock()
        self._ready: Future[None] = Future()
        self._forked: Future[Fork] = Future()
        self._statuses: dict[int, Future[int | None]] = {}
        self._listener = asyncio.create_task(self._listen())
        self._log = asyncio.create_task(self._pass_on_words())

    @classmethod
    async def start(cls, units_module: str) -> "Template":
        """Start a template and wait until it is warm.

        Raises:
            JobError: It did not become ready; its stderr says why.
        """
        # Before it is started: it is to stand where this process stands.
        groups = ControlGroups.delegated()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
        # Where trainings stand: empty, and nothing can be written there.
        folder = TemporaryDirectory(prefix="gradhealth-")
        inherited = {
            name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)
        }
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "worker.processes.child"),
                    *("--units", units_module),
                    *("--control", str(theirs.fileno())),
                    *("--parent", str(os.getpid())),
                    *("--folder", folder.name),
                    env=inherited | _ENVIRONMENT,
                    pass_fds=[theirs.fileno()],
                    stdin=DEVNULL,
                    # Through us: a training may write to no file, a log neither.
                    stdout=PIPE,
                    stderr=STDOUT,
                    # Ctrl-C is for the worker, which ends the template in its own time.
                    start_new_session=True,
                )
        except BaseException:
            # It was cancelled half-way, or there are no more processes to be had.
            ours.close()
            folder.cleanup()
            raise
        template = cls(process, ours, folder, groups)
        try:
            await template._answered(template._ready, _READY_SECONDS)
        except asyncio.CancelledError:
            # Whoever waited has no more time, and nobody else knows of it.
            await template.stop()
            raise
        if not template._ready.done():
            await template.stop()
            message = "the training process could not be started; see the worker's log"
            raise JobError(message)
        return template

    @property
    def alive(self) -> bool:
        """Whether it can still fork."""
        return not self._listener.done()

    async def fork(self, limits: Limits) -> TrainingProcess:
        """Fork a training process.

        Raises:
            ChildCrashedError: The template has died.
        """
        ours, theirs = socket.socketpair()
        # Never cancelled half-way, or the next request would get this one's answer.
        request = asyncio.ensure_future(self._request_fork(theirs, limits))
        try:
            pid, status = await asyncio.shield(request)
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            # A fork that nobody talks to ends by itself, and whether there was one is
            # nobody's concern any more.
            ours.close()
            request.add_done_callback(_forget)
            raise
        process = TrainingProcess(
            pid, status, reader, writer, memory_bytes=limits.memory_bytes
        )
        if self._groups is not None:
            try:
                process.enter(self._groups.limited(limits.memory_bytes))
            except OSError:
                # Its own limits hold.
                _logger.warning("a training has no control group", exc_info=True)
        return process

    async def stop(self) -> None:
        """End it and all its forks."""
        self._listener.cancel()
        await asyncio.wait([self._listener])
        self._control.close()
        # While it warms up it has no forks, and hears nothing.
        patience = _STOP_SECONDS if self._ready.done() else 0.0
        try:
            await asyncio.wait_for(self._process.wait(), patience)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        # Its last words say why it ended, if it was not asked to.
        await asyncio.wait([self._log], timeout=_STOP_SECONDS)
        self._log.cancel()
        self._folder.cleanup()

    async def _pass_on_words(self) -> None:
        assert self._process.stdout is not None
        while words := await self._process.stdout.read(_LOG_BYTES):
            # As messages: what a training writes cannot pass for a line of ours.
            for line in words.decode(errors="replace").splitlines():
                _words.warning("%s", line)

    async def _request_fork(self, theirs: socket.socket, limits: Limits) -> Fork:
        with theirs:
            async with self._one_request:
                self._forked = Future()
                request = json.dumps(asdict(limits)).encode()
                with suppress(ConnectionError):
                    socket.send_fds(self._control, [request], [theirs.fileno()])
                await self._answered(self._forked)
                if not self._forked.done():
                    raise ChildCrashedError("the template of the trainings died")
                return self._forked.result()

    async def _answered(
        self, answer: Future[Any], timeout_seconds: float | None = None
    ) -> None:
        # The listener ends when the template dies, and then no answer comes.
        await asyncio.wait(
            [answer, self._listener],
            timeout=timeout_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        rest = b""
        try:
            with suppress(ConnectionError):
                while received := await loop.sock_recv(self._control, 4096):
                    *lines, rest = (rest + received).split(b"\n")
                    for line in lines:
                        self._hear(json.loads(line))
        finally:
            # The forks die with the template, and nobody is left to say how.
            for status in self._statuses.values():
                status.set_result(None)

    def _hear(self, message: Message) -> None:
        if "forked" in message:
            pid = message["forked"]
            self._statuses[pid] = Future()
            self._forked.set_result((pid, self._statuses[pid]))
        elif "exited" in message:
            self._statuses.pop(message["exited"]).set_result(message["status"])
        else:
            self.exposed = message["exposed"]
            self._ready.set_result(None)


def _forget(task: Future[Any]) -> None:
    # Retrieving the exception keeps the event loop from reporting it.
    if not task.cancelled():
        task.exception()
