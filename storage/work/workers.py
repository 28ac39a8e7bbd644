"""Signs of life of the workers, on the database's clock."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select, update

from gradhealth import __version__
from gradhealth.schemas.analysis import Device
from gradhealth.schemas.worker import Worker, WorkerState

from ..database.columns import database_seconds
from ..database.session import Sessions
from ..tables import AnalysisRow, UnitRow, WorkerRow

_FORGET_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class WorkerBeat:
    """A worker's last sign of life.

    Attributes:
        device: What it trains on, `cpu` or `cuda`.
        state: What it says of itself.
        silence_seconds: Time since then.
        exposed: What the kernel does not keep its trainings from.
    """

    id: str
    device: str
    state: WorkerState
    silence_seconds: float
    exposed: list[str]

    @property
    def takes_work(self) -> bool:
        """Whether it will take the next analysis."""
        return self.state in {"starting", "ready"}


class WorkerStore:
    """Who is alive."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def beat(  # noqa: PLR0913 -- all that a worker says of itself
        self,
        worker_id: str,
        device: str,
        *,
        queues: Sequence[Device] = (),
        state: WorkerState = "ready",
        reason: str = "",
        exposed: Sequence[str] = (),
        age_seconds: float = 0.0,
    ) -> None:
        """Say that the worker is alive, and how it is.

        Args:
            worker_id: Its name.
            device: What it trains on, `cpu` or `cuda`.
            queues: What it takes analyses from.
            state: How it is.
            reason: Why it is not ready.
            exposed: What the kernel does not keep its trainings from.
            age_seconds: Time since it was started.
        """
        said = {
            "device": device,
            "beat_at": database_seconds(),
            "started_at": database_seconds() - age_seconds,
            "version": __version__,
            "queues": list(queues),
            "state": state,
            "reason": reason,
            "exposed": [*exposed],
        }
        async with self._sessions.writing() as session:
            known = await session.execute(
                update(WorkerRow)
                .where(WorkerRow.id == worker_id)
                .values(said)
                .returning(WorkerRow.id)
            )
            if known.first() is None:
                await session.execute(insert(WorkerRow).values(id=worker_id, **said))

    async def retire(self, worker_id: str) -> None:
        """Say that the worker has stopped: its unfinished work is free at once."""
        async with self._sessions.writing() as session:
            await session.execute(delete(WorkerRow).where(WorkerRow.id == worker_id))

    async def beats(self) -> list[WorkerBeat]:
        """The last signs of life of all workers that did not retire, by id."""
        silence = database_seconds() - WorkerRow.beat_at
        query = select(
            WorkerRow.id,
            WorkerRow.device,
            WorkerRow.state,
            silence,
            WorkerRow.exposed,
        ).order_by(WorkerRow.id)
        async with self._sessions.reading() as session:
            return [WorkerBeat(*row) for row in await session.execute(query)]

    async def alive(self, within_seconds: float) -> list[WorkerBeat]:
        """The workers that gave a sign of life within that time, by id."""
        beats = await self.beats()
        return [beat for beat in beats if beat.silence_seconds < within_seconds]

    async def all(self, alive_within_seconds: float) -> list[Worker]:
        """The workers that did not retire, and what they do, by id."""
        silence = (database_seconds() - WorkerRow.beat_at).label("silence_seconds")
        working = select(AnalysisRow.worker_id, AnalysisRow.id).where(
            AnalysisRow.status == "running"
        )
        helping = select(UnitRow.worker_id, UnitRow.analysis_id).where(
            UnitRow.worker_id.is_not(None), UnitRow.reply.is_(None)
        )
        analyses, helps = defaultdict(list), defaultdict(list)
        async with self._sessions.reading() as session:
            for worker_id, analysis_id in await session.execute(working):
                analyses[worker_id].append(analysis_id)
            for worker_id, analysis_id in await session.execute(helping):
                helps[worker_id].append(analysis_id)
            query = select(WorkerRow, silence).order_by(WorkerRow.id)
            return [
                Worker(
                    id=row.id,
                    device=row.device,
                    version=row.version,
                    queues=row.queues,
                    state=row.state,
                    reason=row.reason,
                    started_at=datetime.fromtimestamp(row.started_at, UTC),
                    silence_seconds=silent,
                    alive=silent < alive_within_seconds,
                    analyses=analyses[row.id],
                    helps=helps[row.id],
                )
                for row, silent in await session.execute(query)
            ]

    async def forget_silent(self) -> None:
        """Remove workers that have been silent for a day."""
        silence = database_seconds() - WorkerRow.beat_at
        async with self._sessions.writing() as session:
            await session.execute(delete(WorkerRow).where(silence > _FORGET_SECONDS))
