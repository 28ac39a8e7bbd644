"""Deliveries as whoever delivers sees them: taken for a while, and settled.

Taking one puts its next moment behind a lease. Whoever dies with it has not lost it:
when the lease is over it is due again, so a delivery arrives at least once.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.webhook import DeliveryState

from ..analyses.records import now
from ..database.columns import database_seconds
from ..database.session import Sessions
from ..tables import DeliveryRow, WebhookRow


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """What to post where.

    Attributes:
        secret: What is stored of it.
        attempts: Including the one that is to be made.
    """

    id: str
    webhook_id: str
    url: str
    secret: str = field(repr=False)
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class DeliveryBacklog:
    """What is not delivered.

    Attributes:
        oldest_seconds: Age of the oldest pending one; 0 without any.
    """

    pending: int
    dead: int
    oldest_seconds: float


class DeliveryStore:
    """The deliveries of all projects.

    Args:
        lease_seconds: Longer than an attempt may take.
    """

    def __init__(self, sessions: Sessions, *, lease_seconds: float) -> None:
        self._sessions = sessions
        self._lease_seconds = lease_seconds

    async def take(self, most: int, *, busy: Collection[str]) -> list[DueDelivery]:
        """Take what is due, the longest due first.

        Args:
            most: How many.
            busy: Webhooks to leave alone.
        """
        due = _due(busy)
        async with self._sessions.reading() as session:
            # Mostly nothing is, and to look costs no lock.
            if (
                await session.execute(select(DeliveryRow.id).where(due))
            ).first() is None:
                return []
        chosen = (
            select(DeliveryRow.id)
            .where(due)
            .order_by(DeliveryRow.due_at)
            .limit(most)
            # Others deliver too.
            .with_for_update(skip_locked=True)
        )
        async with self._sessions.writing() as session:
            ids = [*(await session.execute(chosen)).scalars()]
            await session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.id.in_(ids))
                .values(
                    attempts=DeliveryRow.attempts + 1,
                    due_at=database_seconds() + self._lease_seconds,
                )
                .execution_options(synchronize_session=False)
            )
            return [DueDelivery(*row) for row in await session.execute(_taken(ids))]

    async def settle(
        self, delivery_id: str, state: DeliveryState, *, status: int | None, error: str
    ) -> None:
        """Note that nothing more follows."""
        async with self._sessions.writing() as session:
            await _note(
                session,
                delivery_id,
                state=state,
                ended_at=now(),
                last_status=status,
                last_error=error or None,
            )

    async def postpone(
        self, delivery_id: str, seconds: float, *, status: int | None, error: str
    ) -> None:
        """Note that an attempt failed, and when the next one is due."""
        async with self._sessions.writing() as session:
            await _note(
                session,
                delivery_id,
                due_at=database_seconds() + seconds,
                last_status=status,
                last_error=error or None,
            )

    async def disable(
        self, webhook_id: str, *, answering: str, status: int, error: str
    ) -> None:
        """Tell a webhook nothing more; what was pending is dead.

        Args:
            webhook_id: Which one.
            answering: The delivery that was answered so.
            status: HTTP status of that answer.
            error: What it says of it.
        """
        async with self._sessions.writing() as session:
            await _note(session, answering, last_status=status, last_error=error)
            await session.execute(
                update(WebhookRow)
                .where(WebhookRow.id == webhook_id)
                .values(disabled_at=now())
                .execution_options(synchronize_session=False)
            )
            await session.execute(
                update(DeliveryRow)
                .where(
                    DeliveryRow.webhook_id == webhook_id,
                    DeliveryRow.state == "pending",
                )
                .values(state="dead", ended_at=now())
                .execution_options(synchronize_session=False)
            )


async def _note(session: AsyncSession, delivery_id: str, **values: Any) -> None:
    await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == "pending")
        .values(values)
        .execution_options(synchronize_session=False)
    )


async def read_backlog(sessions: Sessions) -> DeliveryBacklog:
    """How much is not delivered, in all projects."""
    is_pending, is_dead = (
        DeliveryRow.state == "pending",
        DeliveryRow.state == "dead",
    )
    pending = select(func.count(), func.min(DeliveryRow.created_at)).where(is_pending)
    dead = select(func.count()).where(is_dead)
    async with sessions.reading() as session:
        num_pending, oldest = (await session.execute(pending)).one()
        num_dead = (await session.execute(dead)).scalar_one()
    age = (now() - oldest).total_seconds() if num_pending else 0.0
    return DeliveryBacklog(num_pending, num_dead, age)


def _due(busy: Collection[str]) -> ColumnElement[bool]:
    return (
        (DeliveryRow.state == "pending")
        & (DeliveryRow.due_at <= database_seconds())
        & DeliveryRow.webhook_id.not_in(busy)
    )


def _taken(ids: Collection[str]) -> Any:
    return (
        select(
            DeliveryRow.id,
            DeliveryRow.webhook_id,
            WebhookRow.url,
            WebhookRow.secret,
            DeliveryRow.body,
            DeliveryRow.attempts,
        )
        .join(WebhookRow)
        .where(DeliveryRow.id.in_(ids))
        .order_by(DeliveryRow.created_at)
    )
