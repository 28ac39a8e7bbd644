"""A worker: takes analyses from the queue until it is told to stop."""

import asyncio
import importlib
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
    suppress,
)

from sqlalchemy.ext.asyncio import AsyncEngine

from gradhealth.schemas.analysis import Device
from gradhealth.telemetry.log_lines import set_up_logs
from gradhealth.telemetry.tracing import set_up_tracing
from storage.claims import ClaimStore
from storage.config import StorageSettings
from storage.dispatch import Engine
from storage.migrate import is_current
from storage.retention import Retention
from storage.retry import patient
from storage.session import Sessions, create_engine
from storage.units import UnitStore
from storage.workers import WorkerStore

from . import machine
from .config import WorkerSettings
from .device_check import DeviceCheck
from .heartbeat import Care, Heartbeat, for_ever
from .helping import Helper
from .identity import own_gpu, worker_name
from .job import Worker
from .supervisor import Supervisor

_logger = logging.getLogger("worker")
_STOP_SECONDS = 5.0
_WAIT_SECONDS = 1.0


async def work_for_ever(
    settings: WorkerSettings, storage: StorageSettings, told_to_stop: asyncio.Event
) -> None:
    """Work until told to stop, then give back what is unfinished.

    A worker with a faulty device gives its work back and goes on to say so.
    """
    async with AsyncExitStack() as at_the_end:
        at_the_end.enter_context(_gpu_for(settings))
        queues = _queues_for(settings)
        name = at_the_end.enter_context(
            worker_name(settings.worker_id, storage.sync_url)
        )
        database = create_engine(storage)
        at_the_end.push_async_callback(database.dispose)
        await _wait_for_tables(database)
        sessions = Sessions(database)
        claims = ClaimStore(
            sessions, worker_id=name, max_attempts=settings.max_attempts
        )
        heartbeat = Heartbeat(
            WorkerStore(sessions),
            worker_id=name,
            device=machine.device(),
            queues=queues,
            dead_after_seconds=settings.dead_after_seconds,
        )
        # The order matters: an engine that takes work before the first beat is taken
        # for dead, and beats must not wait for the slow warming up.
        await heartbeat.beat()
        at_the_end.push_async_callback(heartbeat.retire)
        supervisor = Supervisor(settings)
        at_the_end.push_async_callback(supervisor.stop)
        async with _duties(settings, heartbeat.beat):
            await supervisor.start()
        heartbeat.exposed = supervisor.exposed
        if supervisor.exposed:
            _logger.warning(
                "this kernel does not keep trainings from: %s (docs/security.md)",
                ", ".join(supervisor.exposed),
            )
        device_check = DeviceCheck(supervisor, within_seconds=settings.device_seconds)
        async with AsyncExitStack() as working:
            units = UnitStore(sessions)
            helpers = {
                queue: Helper(units, supervisor, worker_id=name, device=queue)
                for queue in queues
            }
            engine = Engine(
                storage,
                worker_id=name,
                poll_seconds=settings.poll_seconds,
                queues=queues,
            )
            worker = Worker(
                claims,
                units,
                supervisor,
                helpers=helpers,
                device_check=device_check,
                analyse=importlib.import_module(settings.analysis_module).analyse,
                job_seconds=settings.job_seconds,
                has_company=heartbeat.has_company,
            )
            # No beat meanwhile: the engine's launch blocks the loop, and would wait
            # for a transaction that only the loop can end.
            await engine.launch(worker.work)
            working.push_async_callback(engine.stop)
            for helper in helpers.values():
                helper.start()
                working.push_async_callback(helper.stop)
            heartbeat.become("ready")
            _logger.info("%s is ready for %s", name, " and ".join(queues))
            retention = Retention(sessions, settings.retention)
            care = Care(heartbeat, engine, claims, units, retention)
            async with _duties(settings, heartbeat.beat, care.once):
                await _first_of(told_to_stop, device_check.found_fault)
                if told_to_stop.is_set():
                    heartbeat.become("draining")
                    for helper in helpers.values():
                        await helper.stop()
                    await engine.drain(settings.drain_seconds)
        if not told_to_stop.is_set():
            heartbeat.become("faulty", device_check.fault)
            async with _duties(settings, heartbeat.beat):
                await told_to_stop.wait()


def _gpu_for(settings: WorkerSettings) -> AbstractContextManager[object]:
    gpus = machine.gpus()
    if not gpus or settings.queues == ("cpu",):
        return nullcontext()
    return own_gpu(gpus)


def _queues_for(settings: WorkerSettings) -> Sequence[Device]:
    possible = machine.queues()
    wanted = settings.queues or possible
    if missing := set(wanted) - set(possible):
        raise SystemExit(
            f"GRADHEALTH_QUEUES asks for {', '.join(missing)} work, but this worker "
            "sees no GPU that is free: install the driver, or start fewer workers"
        )
    return wanted


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


@asynccontextmanager
async def _duties(
    settings: WorkerSettings, *duties: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(for_ever(duty, pause_seconds=settings.beat_seconds))
        for duty in duties
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _wait_for_tables(database: AsyncEngine) -> None:
    while not await patient(is_current)(database):
        _logger.warning("the database has no tables yet; run `gradhealth migrate`")
        await asyncio.sleep(_WAIT_SECONDS)


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
