"""Signs of life of the workers, on the database's clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from .columns import database_seconds
from .session import Sessions
from .tables import WorkerRow

_FORGET_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class WorkerBeat:
    """A worker's last sign of life.

    Attributes:
        device: What it trains on, `cpu` or `cuda`.
        silence_seconds: Time since then.
        exposed: What the kernel does not keep its trainings from.
    """

    id: str
    device: str
    silence_seconds: float
    exposed: list[str]


class WorkerStore:
    """Who is alive."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def beat(
        self, worker_id: str, device: str, exposed: Sequence[str] = ()
    ) -> None:
        """Say that the worker is alive."""
        beat_at = database_seconds()
        async with self._sessions.writing() as session:
            known = await session.execute(
                update(WorkerRow)
                .where(WorkerRow.id == worker_id)
                .values(device=device, beat_at=beat_at, exposed=[*exposed])
                .returning(WorkerRow.id)
            )
            if known.first() is None:
                await session.execute(
                    insert(WorkerRow).values(
                        id=worker_id,
                        device=device,
                        beat_at=beat_at,
                        exposed=[*exposed],
                    )
                )

    async def retire(self, worker_id: str) -> None:
        """Say that the worker has stopped: its unfinished work is free at once."""
        async with self._sessions.writing() as session:
            await session.execute(delete(WorkerRow).where(WorkerRow.id == worker_id))

    async def beats(self) -> list[WorkerBeat]:
        """The last signs of life of all workers that did not retire, by id."""
        silence = database_seconds() - WorkerRow.beat_at
        query = select(
            WorkerRow.id, WorkerRow.device, silence, WorkerRow.exposed
        ).order_by(WorkerRow.id)
        async with self._sessions.reading() as session:
            return [WorkerBeat(*row) for row in await session.execute(query)]

    async def alive(self, within_seconds: float) -> list[WorkerBeat]:
        """The workers that gave a sign of life within that time, by id."""
        beats = await self.beats()
        return [beat for beat in beats if beat.silence_seconds < within_seconds]

    async def forget_silent(self) -> None:
        """Remove workers that have been silent for a day."""
        silence = database_seconds() - WorkerRow.beat_at
        async with self._sessions.writing() as session:
            await session.execute(delete(WorkerRow).where(silence > _FORGET_SECONDS))
