"""What a worker has before it takes work: a name, a GPU, a pulse, warm processes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from gradhealth.schemas.analysis import Device
from storage.config import StorageSettings
from storage.database.retry import patient
from storage.database.schema import is_current
from storage.database.session import Sessions, create_engine
from storage.work.workers import WorkerStore

from . import machine
from .config import WorkerSettings
from .duties import duties
from .heartbeat import Heartbeat
from .identity import own_gpu, worker_name
from .processes.supervisor import Supervisor

_logger = logging.getLogger(__name__)
_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Station:
    """A worker that is alive and warm.

    Attributes:
        name: Its own among all workers.
        queues: What it takes work from.
    """

    settings: WorkerSettings
    storage: StorageSettings
    name: str
    queues: Sequence[Device]
    sessions: Sessions
    heartbeat: Heartbeat
    supervisor: Supervisor


@asynccontextmanager
async def open_station(
    settings: WorkerSettings, storage: StorageSettings
) -> AsyncIterator[Station]:
    """Come to life, as soon as the database is there; retire at the end.

    Raises:
        SystemExit: The name is taken, or there is no GPU for the work that is wanted.
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
        async with duties(heartbeat.beat, pause_seconds=settings.beat_seconds):
            await supervisor.start()
        heartbeat.exposed = _told(supervisor.exposed)
        yield Station(settings, storage, name, queues, sessions, heartbeat, supervisor)


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


async def _wait_for_tables(database: AsyncEngine) -> None:
    while not await patient(is_current)(database):
        _logger.warning("the database has no tables yet; run `gradhealth migrate`")
        await asyncio.sleep(_WAIT_SECONDS)


def _told(exposed: Sequence[str]) -> Sequence[str]:
    if exposed:
        _logger.warning(
            "this kernel does not keep trainings from: %s (docs/security.md)",
            ", ".join(exposed),
        )
    return exposed
