"""The whole product on one machine, as one process tree."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx

from service.sockets import is_this_machine, url_of

from .processes import Program, ProgramEndedError, keep_running, run

LOOK_SECONDS = 0.1


@contextlib.asynccontextmanager
async def running_product(
    listener: socket.socket,
    data: Path,
    *,
    num_workers: int,
    environment: Mapping[str, str],
) -> AsyncIterator[str]:
    """The address of a product that is ready, and runs while the block lasts.

    Args:
        listener: The socket the service listens on. It outlives the service: while
            that is started again, clients wait instead of being refused. It is
            closed at the end.
        data: Folder for the SQLite database.
        num_workers: How many workers.
        environment: Settings for all its programs.

    Raises:
        CannotListenError: Others could reach the service, and it has no key.
        ProgramEndedError: A part cannot start.
    """
    environment = {
        **environment,
        "GRADHEALTH_DATA_DIR": str(data),
        "GRADHEALTH_WORKERS": str(num_workers),
    }
    migration = Program("migration", ("-m", "storage"), environment)
    if status := await run(migration):
        raise ProgramEndedError(migration.name, status)
    await _check_keys(listener, data)
    descriptor = listener.fileno()
    arguments = ("-m", "service", "--fd", str(descriptor))
    service = Program("service", arguments, environment, (descriptor,))
    worker = Program("worker", ("-m", "worker"), environment)
    url, ready = url_of(listener), asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            keepers = [
                group.create_task(keep_running(program, ready))
                for program in (service, *[worker] * num_workers)
            ]
            await _become_ready(url)
            ready.set()
            yield url
            for keeper in keepers:
                keeper.cancel()
    except ExceptionGroup as failures:
        # One is enough to tell: the others were stopped because of it.
        raise failures.exceptions[0] from None
    finally:
        # Now nobody answers: whoever still asks is refused instead of kept waiting.
        listener.close()


def cancel_on_signal() -> None:
    """Lets SIGTERM and Ctrl-C cancel the current task, so that its blocks end."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _check_keys(listener: socket.socket, data: Path) -> None:
    """What the service finds out as well, but seconds later and beside a worker."""
    host, *_ = listener.getsockname()
    if is_this_machine(host):
        return
    # Not above: it loads the database's libraries.
    from service.access.keyless import check_keys  # noqa: PLC0415
    from storage.config import StorageSettings  # noqa: PLC0415

    await check_keys(host, StorageSettings(data_dir=data))


async def _become_ready(url: str) -> None:
    """Returns when the service answers and a worker is alive."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get("/readyz")
                if answer.json()["status"] == "ok":
                    return
            await asyncio.sleep(LOOK_SECONDS)
