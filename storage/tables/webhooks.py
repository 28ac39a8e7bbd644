"""Webhooks and what they are to be told."""

from datetime import datetime

from sqlalchemy import Double, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from gradhealth.schemas.webhook import DeliveryState, EventType

from ..database.columns import Json
from .base import Base


class WebhookRow(Base):
    """An address that is told what happens in a project.

    `secret` is what is stored of it: the secret, or what it is derived from.
    """

    __tablename__ = "gh_webhooks"
    __table_args__ = (Index(None, "project"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[EventType]] = mapped_column(Json(list[EventType]))
    secret: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class DeliveryRow(Base):
    """Something a webhook is to be told; `due_at` is in the database's seconds."""

    __tablename__ = "gh_deliveries"
    __table_args__ = (
        Index(None, "state", "due_at"),
        Index(None, "webhook_id", "created_at"),
        Index(None, "ended_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    webhook_id: Mapped[str] = mapped_column(
        ForeignKey(WebhookRow.id, ondelete="CASCADE")
    )
    type: Mapped[EventType] = mapped_column(Text)
    body: Mapped[str]
    state: Mapped[DeliveryState] = mapped_column(Text)
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[float] = mapped_column(Double)
    ended_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
