"""Stores opened for the length of a block."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

from storage.analyses.acceptance import Acceptance
from storage.analyses.store import AnalysisStore
from storage.database.session import Sessions, create_engine
from storage.database.transactions import Transactions
from storage.uploads.readings import ReadingStore
from storage.uploads.store import UploadStore
from storage.work.claims import ClaimStore
from storage.work.dispatch import Queue
from storage.work.units import UnitStore
from storage.work.workers import WorkerStore


@dataclass(frozen=True)
class Stores:
    analyses: AnalysisStore
    workers: WorkerStore
    units: UnitStore
    uploads: UploadStore
    readings: ReadingStore
    sessions: Sessions
    transactions: Transactions

    def claims(self, worker_id="worker", max_attempts=3):
        return ClaimStore(self.sessions, worker_id=worker_id, max_attempts=max_attempts)


@asynccontextmanager
async def open_stores(settings):
    engine, transactions = create_engine(settings), Transactions(settings)
    sessions, queue = Sessions(engine), Queue(transactions.engine)
    acceptance = Acceptance(transactions, queue)
    try:
        yield Stores(
            AnalysisStore(sessions, acceptance, project=None),
            WorkerStore(sessions),
            UnitStore(sessions),
            UploadStore(sessions, acceptance, project=None),
            ReadingStore(sessions),
            sessions,
            transactions,
        )
    finally:
        queue.close()
        transactions.close()
        await engine.dispose()
