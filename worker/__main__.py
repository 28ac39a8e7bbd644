"""A worker: takes analyses from the queue until it is told to stop."""

import asyncio
import logging
import os
import signal
import threading
from contextlib import suppress

from gradhealth.telemetry.log_lines import set_up_logs
from gradhealth.telemetry.tracing import set_up_tracing
from storage.config import StorageSettings

from .config import WorkerSettings
from .duties import duties
from .shift import Shift
from .station import open_station

_logger = logging.getLogger("worker")
_STOP_SECONDS = 5.0


async def work_for_ever(
    settings: WorkerSettings, storage: StorageSettings, told_to_stop: asyncio.Event
) -> None:
    """Work until told to stop, then give back what is unfinished.

    A worker with a faulty device gives its work back and goes on to say so.
    """
    async with open_station(settings, storage) as station:
        fault = await Shift(station).work(told_to_stop)
        if fault:
            heartbeat = station.heartbeat
            heartbeat.become("faulty", fault)
            async with duties(heartbeat.beat, pause_seconds=settings.beat_seconds):
                await told_to_stop.wait()


async def _work_until_told(settings: WorkerSettings) -> None:
    told_to_stop = asyncio.Event()
    work = asyncio.ensure_future(
        work_for_ever(settings, StorageSettings(), told_to_stop)
    )

    def stop() -> None:
        patience = settings.drain_seconds
        if not patience or told_to_stop.is_set():  # a second signal means now
            patience = 0.0
            work.cancel()
        told_to_stop.set()
        # A thread of the job engine may be waiting for a database that is gone.
        last_resort = threading.Timer(patience + _STOP_SECONDS, os._exit, [1])
        last_resort.daemon = True
        last_resort.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await work
    _logger.info("stopped")


def main() -> None:
    """Run a worker in the foreground until SIGTERM or SIGINT."""
    settings = WorkerSettings()
    set_up_logs(settings.log_level, settings.log_format)
    set_up_tracing("gradhealth-worker")
    asyncio.run(_work_until_told(settings))


if __name__ == "__main__":
    main()
