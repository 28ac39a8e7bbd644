"""`INSERT ... ON CONFLICT`, which each database has under a module of its own."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from ..tables import Base

_INSERT: dict[str, Callable[..., Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def insert_into(session: AsyncSession, table: type[Base]) -> Any:
    """An insert that has `on_conflict_do_update`."""
    return _INSERT[session.get_bind().dialect.name](table)
