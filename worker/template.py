"""The worker's side of the template process, which training processes fork from."""

import asyncio
import json
import os
import socket
import sys
from asyncio import Future
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from gradhealth.exceptions import ChildCrashedError, JobError

from .training_process import TrainingProcess
from .unit_server import Limits
from .wire import Message

_READY_SECONDS = 120.0
_STOP_SECONDS = 1.0
# A training process has no business with the database or with keys.
_PRIVATE = ("GRADHEALTH_", "PG")
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
    """A running template; dies with this process, and its forks with it."""

    def __init__(self, process: Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._one_request = asyncio.Lock()
        self._ready: Future[None] = Future()
        self._forked: Future[Fork] = Future()
        self._statuses: dict[int, Future[int | None]] = {}
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, units_module: str) -> "Template":
        """Start a template and wait until it is warm.

        Raises:
            JobError: It did not become ready; its stderr says why.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_PRIVATE)
        }
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "worker.child"),
                *("--units", units_module),
                *("--control", str(theirs.fileno())),
                *("--parent", str(os.getpid())),
                env=inherited | _ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                stdin=DEVNULL,
                # Ctrl-C is for the worker, which ends the template in its own time.
                start_new_session=True,
            )
        template = cls(process, ours)
        await template._answered(template._ready, _READY_SECONDS)
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
        return TrainingProcess(pid, status, reader, writer)

    async def stop(self) -> None:
        """End it and all its forks."""
        self._listener.cancel()
        await asyncio.wait([self._listener])
        self._control.close()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

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
            self._ready.set_result(None)


def _forget(task: Future[Any]) -> None:
    # Retrieving the exception keeps the event loop from reporting it.
    if not task.cancelled():
        task.exception()
