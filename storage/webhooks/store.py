"""The webhooks of a project, and what they were told."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, update

from gradhealth.schemas.webhook import (
    Delivery,
    DeliveryPage,
    EventType,
    NewWebhook,
    Webhook,
    WebhookPage,
)

from ..analyses.records import now
from ..database.columns import database_seconds
from ..database.session import Sessions
from ..tables import DeliveryRow, WebhookRow
from .secrets import Secrets

_LATEST = 100


class WebhookStore:
    """Keeps the webhooks of a project.

    What belongs to another project does not exist here: no method finds it.

    Args:
        project: The one project; None for every one.
        secrets: Makes those of new webhooks.
    """

    def __init__(
        self, sessions: Sessions, *, project: str | None, secrets: Secrets
    ) -> None:
        self._sessions = sessions
        self._project = project
        self._secrets = secrets

    async def create(
        self, *, project: str, url: str, events: Sequence[EventType], most: int
    ) -> NewWebhook | None:
        """Make one; this is the only time its secret is seen.

        Args:
            project: Whose.
            url: Where it posts to.
            events: What it is told.
            most: So many may a project have: None then.
        """
        assert self._project in (None, project)
        row = WebhookRow(
            id=uuid.uuid4().hex,
            project=project,
            url=url,
            events=[*dict.fromkeys(events)],
            secret=self._secrets.new(),
            created_at=now(),
        )
        count = select(func.count()).where(WebhookRow.project == project)
        async with self._sessions.writing() as session:
            if (await session.execute(count)).scalar_one() >= most:
                return None
            session.add(row)
        secret = self._secrets.reveal(row.secret)
        return NewWebhook(**_webhook(row).model_dump(), secret=secret)

    async def all(self) -> WebhookPage:
        """All of them, without their secrets, newest first."""
        query = select(WebhookRow).order_by(WebhookRow.created_at.desc(), WebhookRow.id)
        if self._project is not None:
            query = query.where(WebhookRow.project == self._project)
        async with self._sessions.reading() as session:
            rows = (await session.execute(query)).scalars()
            return WebhookPage(items=[_webhook(row) for row in rows])

    async def delete(self, webhook_id: str) -> bool:
        """Forget one and what it is still to be told; False when unknown."""
        async with self._sessions.writing() as session:
            gone = await session.execute(
                delete(WebhookRow)
                .where(self._own(webhook_id))
                .returning(WebhookRow.id)
                .execution_options(synchronize_session=False)
            )
            return gone.first() is not None

    async def deliveries(self, webhook_id: str) -> DeliveryPage | None:
        """The latest deliveries; None when there is no such webhook."""
        query = (
            select(*_COLUMNS)
            .where(DeliveryRow.webhook_id == webhook_id)
            .order_by(DeliveryRow.created_at.desc(), DeliveryRow.id)
            .limit(_LATEST)
        )
        async with self._sessions.reading() as session:
            known = select(WebhookRow.id).where(self._own(webhook_id))
            if (await session.execute(known)).first() is None:
                return None
            rows = await session.execute(query)
            return DeliveryPage(items=[_delivery(row) for row in rows])

    async def replay(self, webhook_id: str, delivery_id: str) -> Delivery | None:
        """Deliver once more, at once, and with all attempts; None when unknown.

        A webhook that was disabled is told again.
        """
        own = select(WebhookRow.id).where(self._own(webhook_id))
        this = (DeliveryRow.id == delivery_id) & DeliveryRow.webhook_id.in_(own)
        again = (
            update(DeliveryRow)
            .where(this)
            .values(
                state="pending", attempts=0, due_at=database_seconds(), ended_at=None
            )
            .execution_options(synchronize_session=False)
        )
        enable = (
            update(WebhookRow)
            .where(WebhookRow.id == webhook_id)
            .values(disabled_at=None)
            .execution_options(synchronize_session=False)
        )
        async with self._sessions.writing() as session:
            await session.execute(again)
            row = (await session.execute(select(*_COLUMNS).where(this))).first()
            if row is None:
                return None
            await session.execute(enable)
            return _delivery(row)

    def _own(self, webhook_id: str) -> ColumnElement[bool]:
        own = WebhookRow.id == webhook_id
        if self._project is not None:
            own &= WebhookRow.project == self._project
        return own


_COLUMNS = (
    DeliveryRow.id,
    DeliveryRow.webhook_id,
    DeliveryRow.type,
    DeliveryRow.state,
    DeliveryRow.attempts,
    DeliveryRow.created_at,
    DeliveryRow.ended_at,
    DeliveryRow.last_status,
    DeliveryRow.last_error,
    (DeliveryRow.due_at - database_seconds()).label("due_seconds"),
)


def _webhook(row: WebhookRow) -> Webhook:
    return Webhook(
        id=row.id,
        project=row.project,
        url=row.url,
        events=row.events,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )


def _delivery(row: Row[*tuple[Any, ...]]) -> Delivery:
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    if row.state != "pending":
        fields["due_seconds"] = None
    return Delivery(**fields)
