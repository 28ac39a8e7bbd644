"""Accepts analyses: the row and its place in the queue, in one transaction."""

from functools import partial
from typing import BinaryIO

from sqlalchemy import Connection, insert

from gradhealth.schemas.analysis import Analysis

from ..database.transactions import Transactions
from ..tables import UploadRunRow
from ..uploads.content import Upload, insert_upload
from ..work.dispatch import Queue, Ticket
from .records import NewAnalysis, insert_in_turn, new_row, to_analysis


class Acceptance:
    """Stores and queues what workers are to do.

    Args:
        transactions: The database.
        queue: The job engine's, in the same database.
    """

    def __init__(self, transactions: Transactions, queue: Queue) -> None:
        self._transactions = transactions
        self._queue = queue

    async def accept(self, new: NewAnalysis) -> Analysis:
        """Store and queue it, or neither.

        Raises:
            IntegrityError: Its idempotency key is in use.
            OperationalError: The database is out of reach.
        """
        return await self._transactions.run(partial(self._accept, new))

    async def accept_upload(
        self, new: NewAnalysis, upload: Upload, content: BinaryIO
    ) -> Analysis:
        """Store a log and queue the analysis of what is in it, or neither.

        Raises:
            IntegrityError: Its idempotency key is in use.
            OperationalError: The database is out of reach.
        """
        return await self._transactions.run(
            partial(self._accept_upload, new, upload, content)
        )

    def _accept_upload(
        self,
        new: NewAnalysis,
        upload: Upload,
        content: BinaryIO,
        connection: Connection,
    ) -> Analysis:
        upload_id = insert_upload(connection, upload, content, new.project)
        analysis = self._accept(new, connection)
        values = {"analysis_id": analysis.id, "upload_id": upload_id, "run": None}
        connection.execute(insert(UploadRunRow), values)
        return analysis

    def _accept(self, new: NewAnalysis, connection: Connection) -> Analysis:
        row = new_row(new, status="queued")
        turn = insert_in_turn(connection, row, new.labels, new.options.priority)
        self._queue.enqueue(connection, row.id, Ticket(row.queue, turn))
        return to_analysis(row, new.labels, None)
