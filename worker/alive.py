"""`python -m worker.alive`: whether a worker of this machine gives signs of life.

The health check of its container: exits with a message and 1 when none does. With the
database gone nobody can tell, and starting the worker again would not help: that is 0.
"""

import asyncio
import socket
import sys

from sqlalchemy.exc import SQLAlchemyError

from storage.config import StorageSettings
from storage.database.session import Sessions, create_engine
from storage.work.workers import WorkerStore

from .config import WorkerSettings


async def living(settings: WorkerSettings, storage: StorageSettings) -> list[str]:
    """Names of the workers of this machine that are not taken for dead."""
    engine = create_engine(storage)
    try:
        beats = await WorkerStore(Sessions(engine)).alive(settings.dead_after_seconds)
    finally:
        await engine.dispose()
    ours = settings.worker_id
    prefix = f"{socket.gethostname()}-"
    return [
        beat.id
        for beat in beats
        if (beat.id == ours if ours else beat.id.startswith(prefix))
    ]


def main() -> None:
    """Looks once."""
    settings = WorkerSettings()
    try:
        names = asyncio.run(living(settings, StorageSettings()))
    except (SQLAlchemyError, OSError) as error:
        reason = str(error).partition("\n")[0]
        sys.stderr.write(f"cannot tell, for the database does not: {reason}\n")
        return
    if not names:
        sys.exit(f"no sign of life for {settings.dead_after_seconds:g} s")


if __name__ == "__main__":
    main()
