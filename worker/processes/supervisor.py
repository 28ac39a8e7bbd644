"""Runs units of work in processes that may crash, hang or run out of memory."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from gradhealth.exceptions import ChildCrashedError, OutOfMemoryError
from gradhealth.schemas.analysis import Device

from .. import machine
from ..config import WorkerSettings
from ..ports import TooLateError
from .template import Template
from .training_process import TrainingProcess
from .unit_server import Limits
from .wire import Message


def _ignore(_done: int, _total: int) -> None:
    pass


class Supervisor:
    """Keeps a warm template and gives every job a process of its own.

    One process a device is kept ready for the next job: a fork is quick, but runs
    slowly until it has its own copy of what it writes to.

    Needs no database: `gradhealth analyze --local` uses it as the worker does.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._units_module = settings.units_module
        self._limits = {
            device: Limits(
                threads=settings.threads,
                cpu_seconds=settings.cpu_limit_seconds,
                memory_bytes=settings.memory_limit_bytes,
                with_gpu=device == "gpu",
            )
            for device in settings.queues or machine.queues()
        }
        self._template: Template | None = None
        self._starting = asyncio.Lock()
        self._spares: dict[Device, asyncio.Task[TrainingProcess]] = {}

    @property
    def devices(self) -> Sequence[Device]:
        """What it can train on, the best first."""
        return list(self._limits)

    @property
    def exposed(self) -> Sequence[str]:
        """What trainings here are not kept from: `network`, `files`."""
        # A GPU's driver needs files of its own.
        with_gpu = ["files"] if "gpu" in self._limits else []
        return sorted({*with_gpu, *(self._template.exposed if self._template else ())})

    async def start(self) -> None:
        """Warm up, which takes seconds; a job would do it otherwise.

        Raises:
            JobError: The units cannot be loaded; stderr says why.
        """
        await self._warm_template()
        for device in self.devices:
            self._prepare_spare(device)

    async def stop(self) -> None:
        """End every process."""
        for spare in self._spares.values():
            spare.cancel()
            with suppress(asyncio.CancelledError, ChildCrashedError):
                (await spare).dismiss()
        if self._template is not None:
            await self._template.stop()

    @asynccontextmanager
    async def job(self, device: Device | None = None) -> AsyncIterator["Job"]:
        """A job, whose process ends with the block, whatever it is doing then.

        Args:
            device: What it trains on; the best there is when None.
        """
        device = device or self.devices[0]
        job = Job(partial(self._take_process, device))
        try:
            yield job
        except BaseException:
            await job.kill()
            raise
        else:
            job.dismiss()
        finally:
            self._prepare_spare(device)

    def _prepare_spare(self, device: Device) -> None:
        if device not in self._spares:
            self._spares[device] = asyncio.create_task(self._fork(device))

    async def _take_process(self, device: Device) -> TrainingProcess:
        spare = self._spares.pop(device, None)
        if spare is not None:
            with suppress(ChildCrashedError):
                process = await spare
                if process.alive:
                    return process
        return await self._fork(device)

    async def _fork(self, device: Device) -> TrainingProcess:
        template = await self._warm_template()
        return await template.fork(self._limits[device])

    async def _warm_template(self) -> Template:
        async with self._starting:
            if self._template is None or not self._template.alive:
                if self._template is not None:
                    await self._template.stop()
                self._template = await Template.start(self._units_module)
            return self._template


class Job:
    """Units of work that share a process, and whatever the process remembers.

    Units that are asked for at once are done one after the other, in that order.
    """

    def __init__(self, fork: Callable[[], Awaitable[TrainingProcess]]) -> None:
        self._fork = fork
        self._process: TrainingProcess | None = None
        self._turn = asyncio.Lock()

    async def run(
        self,
        unit: str,
        arguments: Message,
        report: Callable[[int, int], None] = _ignore,
        *,
        begin_before: float = math.inf,
    ) -> Any:
        """Do a unit of work and return its reply.

        Args:
            unit: Which work.
            arguments: What to do it with.
            report: Takes how many steps are done, and of how many.
            begin_before: Moment of the monotonic clock.

        Raises:
            TooLateError: Its turn did not come before that moment.
            ChildCrashedError: The process died; the next call gets a fresh one.
            OutOfMemoryError: So does it after this.
            GradHealthError: What the unit itself raised.
        """
        async with self._turn:
            if time.monotonic() >= begin_before:
                raise TooLateError
            if self._process is None:
                self._process = await self._fork()
            try:
                return await self._process.run(unit, arguments, report)
            except (ChildCrashedError, OutOfMemoryError):
                await self.kill()
                raise

    async def kill(self) -> None:
        """End the process, if there is one, whatever it is doing."""
        if self._process is not None:
            await self._process.kill()
            self._process = None

    def dismiss(self) -> None:
        """Let the idle process end by itself, which nobody needs to wait for."""
        if self._process is not None:
            self._process.dismiss()
            self._process = None
