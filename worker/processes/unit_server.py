"""A training process: runs units of work for one analysis, one after the other.

A request is `{"unit": name, "arguments": {...}, "attached": {...}}` (`wire.py`). The
answer is any number of `{"progress": [done, total]}`, then `{"result": ...}` or
`{"error": {...}}`.
"""

import errno
import faulthandler
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gradhealth.exceptions import GradHealthError, JobError, OutOfMemoryError

from ..machine import GPUS
from .wire import Message, error_to_message, pack, receive_request

_logger = logging.getLogger(__name__)
_PROGRESS_SECONDS = 0.1
TOO_LARGE = (
    "the training needed more memory than it may use; make the batch, the layers or "
    "the input smaller, or raise GRADHEALTH_CHILD_MEMORY_MB"
)


class Units(Protocol):
    """What a module of units offers.

    Attributes:
        WRITABLE: Folders that its units write to; trainings write nothing.
    """

    WRITABLE: Sequence[Path]

    def warm_up(self) -> None:
        """Do whatever is slow the first time: in the template, then in each fork."""

    def set_threads(self, count: int) -> None:
        """Use so many processor threads; called once in each training process."""

    def run(
        self, unit: str, arguments: Message, report: Callable[[int, int], None]
    ) -> Any:
        """Do the named unit of work and return a JSON-able reply.

        Args:
            unit: Which work.
            arguments: What to do it with.
            report: Takes how many steps are done, and of how many.

        Raises:
            GradHealthError: For a reason the user understands.
        """


@dataclass(frozen=True, slots=True)
class Limits:
    """What a training process may use.

    Attributes:
        threads: Processor threads.
        cpu_seconds: Processor time of all its threads.
        memory_bytes: Memory on top of what the template holds.
        with_gpu: Whether it drives a GPU, whose driver opens files of its own and
            reserves more address space than there is.
    """

    threads: int
    cpu_seconds: int
    memory_bytes: int
    with_gpu: bool


def serve_units(units: Units, connection: socket.socket, limits: Limits) -> None:
    """Answer requests until the worker closes the connection."""
    # When native code crashes, the log shows where.
    faulthandler.enable()
    if not limits.with_gpu:
        os.environ[GPUS] = ""
    units.set_threads(limits.threads)
    # Once more: in this process, memory that gets written is still to be copied, and
    # a GPU, which the template may not touch, is still to be opened.
    units.warm_up()
    while (request := receive_request(connection)) is not None:
        connection.sendall(_answer(units, connection, *request))


def _answer(
    units: Units, connection: socket.socket, unit: str, arguments: Message
) -> bytes:
    reporter = _Reporter(connection)
    try:
        reply = units.run(unit, arguments, reporter.report)
        return pack({"result": reply})
    except Exception as error:  # noqa: BLE001 - the process's edge; _explained logs
        return pack({"error": error_to_message(_explained(error))})


def _explained(error: Exception) -> GradHealthError:
    if isinstance(error, GradHealthError):
        return error
    if _is_out_of_memory(error):
        return OutOfMemoryError(TOO_LARGE)
    _logger.error("a unit of work failed", exc_info=error)
    return JobError(f"internal error: {type(error).__name__}: {error}")


def _is_out_of_memory(error: Exception) -> bool:
    # torch raises a bare RuntimeError on the CPU and a subclass of its own on a GPU.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator: can't allocate memory" in str(error)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    )


class _Reporter:
    """Forwards progress, but not more often than anybody looks."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._next = time.monotonic()

    def report(self, done: int, total: int) -> None:
        if time.monotonic() >= self._next:
            self._connection.sendall(pack({"progress": [done, total]}))
            self._next = time.monotonic() + _PROGRESS_SECONDS
