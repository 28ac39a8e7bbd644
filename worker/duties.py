"""What is done again and again in the background."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

_logger = logging.getLogger(__name__)


async def for_ever(act: Callable[[], Awaitable[None]], *, pause_seconds: float) -> None:
    """Act, pause, and act again until cancelled; a failure is logged."""
    while True:
        try:
            await act()
        except Exception:
            # Whatever it was, the next round must come: others count on it.
            _logger.exception("a periodic duty of the worker failed")
        await asyncio.sleep(pause_seconds)


@asynccontextmanager
async def duties(
    *acts: Callable[[], Awaitable[None]], pause_seconds: float
) -> AsyncIterator[None]:
    """Do each of them for ever while the block lasts."""
    tasks = [
        asyncio.create_task(for_ever(act, pause_seconds=pause_seconds)) for act in acts
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
