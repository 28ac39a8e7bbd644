"""Whether the service can take work now, and whether somebody does it."""

import asyncio
from typing import Literal

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from gradhealth.documents.base import Record
from storage.database.schema import schema_state
from storage.work.workers import WorkerStore

# A probe that asks every few seconds wants an answer, not a queue of questions.
ANSWER_SECONDS = 3.0


class ReadinessReport(Record):
    """The parts that work depends on.

    Attributes:
        status: `degraded`: accepted work waits until a worker comes back.
        database: Whether the database answers.
        migrations: Whether its tables have the newest schema. `pending`: run
            `gradhealth migrate`; `ahead`: a newer version did, this one works on.
        workers: Number of workers that are alive and take work.
        faulty_workers: Number of those whose GPU does not answer.
        exposed: What the kernel of one of them does not keep trainings from, of
            `network` and `files`.
    """

    status: Literal["ok", "degraded", "unavailable"]
    database: Literal["ok", "unavailable"] = "ok"
    migrations: Literal["ok", "ahead", "pending", "unknown"] = "ok"
    workers: int = 0
    exposed: list[str] = []
    faulty_workers: int = 0


class Readiness:
    """Looks at the parts.

    Args:
        worker_alive_seconds: A worker silent for longer does not count.
    """

    def __init__(
        self, engine: AsyncEngine, workers: WorkerStore, *, worker_alive_seconds: float
    ) -> None:
        self._engine = engine
        self._workers = workers
        self._worker_alive_seconds = worker_alive_seconds

    async def report(self) -> ReadinessReport:
        """How things are now; answers within seconds even with the database gone."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._look()
        except (DBAPIError, PoolTimeoutError, TimeoutError):
            return ReadinessReport(
                status="unavailable", database="unavailable", migrations="unknown"
            )

    async def _look(self) -> ReadinessReport:
        migrations = await schema_state(self._engine)
        if migrations == "pending":
            return ReadinessReport(status="unavailable", migrations=migrations)
        beats = await self._workers.alive(self._worker_alive_seconds)
        ready = sum(beat.takes_work for beat in beats)
        return ReadinessReport(
            status="ok" if ready else "degraded",
            migrations=migrations,
            workers=ready,
            faulty_workers=sum(beat.state == "faulty" for beat in beats),
            exposed=sorted({each for beat in beats for each in beat.exposed}),
        )
