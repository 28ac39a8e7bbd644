"""The worker's side of a training process."""

import asyncio
import logging
import os
import signal
from asyncio import Future, StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gradhealth.exceptions import ChildCrashedError, OutOfMemoryError

from .. import machine
from .control_groups import ControlGroup
from .unit_server import TOO_LARGE
from .wire import Message, error_from_message, pack_request, read

_logger = logging.getLogger(__name__)
_KILL_SECONDS = 5.0
_WATCH_SECONDS = 0.2
_REASONS = {
    signal.SIGKILL: "most likely the machine ran out of memory",
    signal.SIGSEGV: "a fault in native code",
    signal.SIGABRT: "native code gave up, often for lack of memory",
    signal.SIGXCPU: "it used more processor time than GRADHEALTH_JOB_SECONDS allows",
}


class TrainingProcess:
    """A fork of the template: runs units of work, one at a time, until it is killed.

    Args:
        pid: Process id, which is also its process group's.
        wait_status: Resolves when it has ended; to None when nobody saw how.
        memory_bytes: Memory it may hold on top of what it was forked with. The
            kernel's own limits say no more gently, but not to a GPU's driver.
    """

    def __init__(
        self,
        pid: int,
        wait_status: Future[int | None],
        reader: StreamReader,
        writer: StreamWriter,
        *,
        memory_bytes: int,
    ) -> None:
        self._pid = pid
        self._wait_status = wait_status
        self._reader = reader
        self._writer = writer
        self._most_bytes = machine.held_bytes(pid) + memory_bytes
        self._grew_too_large = False

    @property
    def alive(self) -> bool:
        """Whether nobody has told that it ended."""
        return not self._wait_status.done()

    def enter(self, group: ControlGroup) -> None:
        """Move it into a control group, which ends with it."""
        group.take(self._pid)
        self._wait_status.add_done_callback(lambda _: self._leave(group))

    async def run(
        self, unit: str, arguments: Message, report: Callable[[int, int], None]
    ) -> Any:
        """Do a unit of work and return its reply.

        Args:
            unit: Which work.
            arguments: What to do it with.
            report: Takes how many steps are done, and of how many.

        Raises:
            ChildCrashedError: The process died of it.
            OutOfMemoryError: It was killed for holding more memory than it may.
            GradHealthError: What the unit itself raised.
        """
        watch = asyncio.create_task(self._watch_memory())
        try:
            return await self._run(unit, arguments, report)
        finally:
            watch.cancel()

    async def _run(
        self, unit: str, arguments: Message, report: Callable[[int, int], None]
    ) -> Any:
        with suppress(ConnectionError):
            for part in pack_request(unit, arguments):
                self._writer.write(part)
            await self._writer.drain()
        while (message := await read(self._reader)) is not None:
            if "progress" in message:
                report(*message["progress"])
            elif "error" in message:
                raise error_from_message(message["error"])
            else:
                return message["result"]
        status = await asyncio.shield(self._wait_status)
        if self._grew_too_large:
            raise OutOfMemoryError(TOO_LARGE)
        raise ChildCrashedError(_describe(status))

    async def _watch_memory(self) -> None:
        # Only the kernel knows, and it tells nobody of its own accord.
        while machine.held_bytes(self._pid) <= self._most_bytes:  # noqa: ASYNC110
            await asyncio.sleep(_WATCH_SECONDS)
        self._grew_too_large = True
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)

    def _leave(self, group: ControlGroup) -> None:
        self._grew_too_large |= group.ran_out_of_memory
        group.end()

    def dismiss(self) -> None:
        """Tell it that there is no more work; while idle, it ends at that."""
        self._writer.close()

    async def kill(self) -> None:
        """End it whatever it is doing, and wait until it has left its memory."""
        self._writer.close()
        if not self.alive:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        _, pending = await asyncio.wait([self._wait_status], timeout=_KILL_SECONDS)
        if pending:
            # Inside a driver's call a process cannot die before the call returns.
            _logger.error("process %d does not die; going on without it", self._pid)


def _describe(wait_status: int | None) -> str:
    if wait_status is None:
        return "the training process was lost together with its template"
    code = os.waitstatus_to_exitcode(wait_status)
    if code >= 0:
        return f"the training process ended unexpectedly with exit code {code}"
    name = signal.strsignal(-code) or "unknown"
    reason = _REASONS.get(signal.Signals(-code), "")
    explained = f": {reason}" if reason else ""
    return f"the training process died of signal {-code} ({name.lower()}){explained}"
