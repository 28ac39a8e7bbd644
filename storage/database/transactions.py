"""Transactions that a thread runs as a whole.

The asynchronous drivers hand every statement to another thread or task, which costs
more than the statement. What is done most often hands over a whole transaction instead.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from ..config import StorageSettings
from .session import create_synchronous_engine

T = TypeVar("T")

# SQLite has one writer at a time: a second thread would only wait in the driver.
_THREADS_SQLITE, _THREADS_POSTGRESQL = 1, 8


class Transactions:
    """Threads with connections of their own.

    Args:
        settings: The database.

    Attributes:
        engine: What they connect with.
    """

    def __init__(self, settings: StorageSettings) -> None:
        self.engine = create_synchronous_engine(settings)
        self._threads = ThreadPoolExecutor(
            _THREADS_SQLITE if settings.is_sqlite else _THREADS_POSTGRESQL,
            thread_name_prefix="transaction",
        )

    async def run(self, write: Callable[[Connection], T]) -> T:
        """Begin, write and commit; an exception undoes what was written.

        Raises:
            OperationalError: The database is out of reach.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, write)

    def close(self) -> None:
        """Close the connections, after the transactions that have begun."""
        self._threads.shutdown()
        self.engine.dispose()

    def _run(self, write: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return write(connection)
