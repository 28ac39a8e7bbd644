"""Stores opened for the length of a block."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

from storage.analyses.acceptance import Acceptance
from storage.analyses.store import AnalysisStore
from storage.database.session import Sessions, create_engine
from storage.work.claims import ClaimStore
from storage.work.dispatch import Queue
from storage.work.units import UnitStore
from storage.work.workers import WorkerStore


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
    sessions, acceptance = Sessions(engine), Acceptance(settings, queue)
    try:
        analyses = AnalysisStore(sessions, acceptance, project=None)
        yield Stores(analyses, WorkerStore(sessions), UnitStore(sessions), sessions)
    finally:
        acceptance.close()
        queue.close()
        await engine.dispose()
