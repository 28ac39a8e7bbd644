"""Accepts analyses: the row and its place in the queue, in one transaction.

The asynchronous drivers hand every statement to another thread or task, which costs
more than the statement. What is done most often hands over a whole transaction instead.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, insert

from gradhealth.schemas.analysis import Analysis

from ..config import StorageSettings
from ..database.session import create_synchronous_engine
from ..tables import AnalysisRow, LabelRow
from ..work.dispatch import Queue, Ticket
from ..work.turns import next_turn
from .records import NewAnalysis, label_columns, new_row, to_analysis

_COLUMNS = AnalysisRow.__table__.columns.keys()
_INSERT_ANALYSIS = insert(AnalysisRow)
_INSERT_LABELS = insert(LabelRow)
# SQLite has one writer at a time: a second thread would only wait in the driver.
_THREADS_SQLITE, _THREADS_POSTGRESQL = 1, 8


class Acceptance:
    """Stores and queues what workers are to do.

    Args:
        settings: The database.
        queue: The job engine's, in the same database.
    """

    def __init__(self, settings: StorageSettings, queue: Queue) -> None:
        self._engine = create_synchronous_engine(settings)
        self._queue = queue
        self._threads = ThreadPoolExecutor(
            _THREADS_SQLITE if settings.is_sqlite else _THREADS_POSTGRESQL,
            thread_name_prefix="acceptance",
        )

    async def accept(self, new: NewAnalysis) -> Analysis:
        """Store and queue it, or neither.

        Raises:
            IntegrityError: Its idempotency key is in use.
            OperationalError: The database is out of reach.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._accept, new)

    def close(self) -> None:
        """Close the connections, after the transactions that have begun."""
        self._threads.shutdown()
        self._engine.dispose()

    def _accept(self, new: NewAnalysis) -> Analysis:
        row = new_row(new, status="queued")
        with self._engine.begin() as connection:
            row.turn = next_turn(
                connection, row.project, row.queue, new.options.priority
            )
            _insert(connection, row, new.labels)
            self._queue.enqueue(connection, row.id, Ticket(row.queue, row.turn))
        return to_analysis(row, new.labels, None)


def _insert(
    connection: Connection, row: AnalysisRow, labels: Mapping[str, str]
) -> None:
    # Not through a session, whose books cost as much again.
    connection.execute(
        _INSERT_ANALYSIS, {name: getattr(row, name) for name in _COLUMNS}
    )
    if labels:
        connection.execute(_INSERT_LABELS, label_columns(row.id, labels))
