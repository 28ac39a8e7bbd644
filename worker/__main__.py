"""A worker: takes analyses from the queue until it is told to stop."""

import asyncio
import importlib
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from gradhealth.telemetry.log_lines import set_up_logs
from gradhealth.telemetry.tracing import set_up_tracing
from storage.claims import ClaimStore
from storage.config import StorageSettings
from storage.dispatch import Engine
from storage.migrate import is_current
from storage.retention import Retention
from storage.retry import patient
from storage.session import Sessions, create_engine
from storage.workers import WorkerStore

from . import machine
from .config import WorkerSettings
from .heartbeat import Care, Heartbeat, for_ever
from .identity import worker_name
from .job import Worker
from .supervisor import Supervisor

_logger = logging.getLogger("worker")
_STOP_SECONDS = 5.0
_WAIT_SECONDS = 1.0


async def work_for_ever(settings: WorkerSettings, storage: StorageSettings) -> None:
    """Work until cancelled, then give back what is unfinished and stop."""
    async with AsyncExitStack() as at_the_end:
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
        engine = Engine(storage, worker_id=name, poll_seconds=settings.poll_seconds)
        worker = Worker(
            claims,
            supervisor,
            analyse=importlib.import_module(settings.analysis_module).analyse,
            job_seconds=settings.job_seconds,
        )
        # No beat meanwhile: the engine's launch blocks the loop, and would wait for a
        # transaction that only the loop can end.
        await engine.launch(worker.work)
        at_the_end.push_async_callback(engine.stop)
        _logger.info("%s is ready", name)
        retention = Retention(sessions, settings.retention)
        care = Care(heartbeat, engine, claims, retention)
        async with _duties(settings, heartbeat.beat, care.once):
            await asyncio.Future()


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
    work = asyncio.ensure_future(work_for_ever(settings, StorageSettings()))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, work)
    try:
        await work
    except asyncio.CancelledError:
        _logger.info("stopped")


def _stop(work: asyncio.Future[None]) -> None:
    work.cancel()
    # A thread of the job engine may be waiting for a database that is gone.
    last_resort = threading.Timer(_STOP_SECONDS, os._exit, [1])
    last_resort.daemon = True
    last_resort.start()


def main() -> None:
    """Run a worker in the foreground until SIGTERM or SIGINT."""
    settings = WorkerSettings()
    set_up_logs(settings.log_level, settings.log_format)
    set_up_tracing("gradhealth-worker")
    asyncio.run(_work_until_told(settings))


if __name__ == "__main__":
    main()
