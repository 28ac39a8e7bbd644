"""Stores opened for the length of a block."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

from storage.analyses import AnalysisStore
from storage.claims import ClaimStore
from storage.dispatch import Queue
from storage.session import Sessions, create_engine
from storage.units import UnitStore
from storage.workers import WorkerStore


@dataclass(frozen=True)
class Stores:
    analyses: AnalysisStore
    workers: WorkerStore
    units: UnitStore
    sessions: Sessions

    def claims(self, worker_id="worker", max_attempts=3):
        return ClaimStore(self.sessions, worker_id=worker_id, max_attempts=max_attempts)


@asynccontextmanager
async def open_stores(settings):
    engine, queue = create_engine(settings), Queue(settings)
    sessions = Sessions(engine)
    try:
        analyses = AnalysisStore(sessions, queue, project=None)
        yield Stores(analyses, WorkerStore(sessions), UnitStore(sessions), sessions)
    finally:
        queue.close()
        await engine.dispose()
