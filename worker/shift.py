"""A worker's shift: takes work until it is told to stop or its device fails."""

import asyncio
import importlib
import logging
from contextlib import AsyncExitStack

from storage.retention import Retention
from storage.uploads.readings import ReadingStore
from storage.work.claims import ClaimStore
from storage.work.dispatch import Engine
from storage.work.units import UnitStore

from .device_check import DeviceCheck
from .duties import duties
from .heartbeat import Care
from .helping import Helper
from .job import Worker
from .station import Station

_logger = logging.getLogger(__name__)


class Shift:
    """Everything that takes work at a station."""

    def __init__(self, station: Station) -> None:
        settings, sessions = station.settings, station.sessions
        self._station = station
        units = UnitStore(sessions)
        claims = ClaimStore(
            sessions, worker_id=station.name, max_attempts=settings.max_attempts
        )
        self._engine = Engine(
            station.storage,
            worker_id=station.name,
            poll_seconds=settings.poll_seconds,
            queues=station.queues,
        )
        self._helpers = {
            queue: Helper(
                units, station.supervisor, worker_id=station.name, device=queue
            )
            for queue in station.queues
        }
        self._device_check = DeviceCheck(
            station.supervisor, within_seconds=settings.device_seconds
        )
        self._worker = Worker(
            claims,
            units,
            ReadingStore(sessions),
            station.supervisor,
            helpers=self._helpers,
            device_check=self._device_check,
            analyse=importlib.import_module(settings.analysis_module).analyse,
            job_seconds=settings.job_seconds,
            has_company=station.heartbeat.has_company,
        )
        self._care = Care(
            station.heartbeat,
            self._engine,
            claims,
            units,
            Retention(sessions, settings.retention),
        )

    async def work(self, told_to_stop: asyncio.Event) -> str:
        """Work until told to stop, then give back what is not finished in time.

        Returns:
            What is wrong with the device, if that is why it ended; else "".
        """
        heartbeat, settings = self._station.heartbeat, self._station.settings
        async with AsyncExitStack() as at_the_end:
            # No beat meanwhile: the engine's launch blocks the loop, and would wait
            # for a transaction that only the loop can end.
            await self._engine.launch(self._worker.work)
            at_the_end.push_async_callback(self._engine.stop)
            for helper in self._helpers.values():
                helper.start()
                at_the_end.push_async_callback(helper.stop)
            heartbeat.become("ready")
            _logger.info(
                "%s is ready for %s",
                self._station.name,
                " and ".join(self._station.queues),
            )
            async with duties(
                heartbeat.beat, self._care.once, pause_seconds=settings.beat_seconds
            ):
                await _first_of(told_to_stop, self._device_check.found_fault)
                if told_to_stop.is_set():
                    await self._drain()
        return self._device_check.fault

    async def _drain(self) -> None:
        self._station.heartbeat.become("draining")
        for helper in self._helpers.values():
            await helper.stop()
        await self._engine.drain(self._station.settings.drain_seconds)


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
