"""Keys, and browsers that showed one."""

from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from ..database.columns import Json
from .base import Base

# What a key may do.
Scope: TypeAlias = Literal["read", "write", "admin"]


class KeyRow(Base):
    """An API key. Revoked ones stay: a service that once had keys goes on asking."""

    __tablename__ = "gh_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    name: Mapped[str]
    project: Mapped[str]
    scopes: Mapped[list[Scope]] = mapped_column(Json(list[Scope]))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class SignInRow(Base):
    """A browser that showed a key; what it has is a secret of its own."""

    __tablename__ = "gh_sign_ins"
    __table_args__ = (Index(None, "expires_at"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey(KeyRow.id, ondelete="CASCADE"))
    expires_at: Mapped[datetime]
