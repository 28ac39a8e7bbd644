"""Alembic's entry: migrates over a given connection, or over one of its own."""

import asyncio
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from storage.config import StorageSettings
from storage.database.schema import VERSION_TABLE
from storage.database.session import create_engine
from storage.tables import Base


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    # The job engine keeps its own tables in the same database.
    return kind != "table" or (name or "").startswith("gh_")


def _plain_type(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    # A migration must keep its meaning when our column types change.
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=_is_ours,
        render_as_batch=True,
        render_item=_plain_type,
        version_table=VERSION_TABLE,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _connect_and_migrate() -> None:
    engine = create_engine(StorageSettings())
    async with engine.begin() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


if (given := context.config.attributes.get("connection")) is not None:
    _migrate(given)
else:
    asyncio.run(_connect_and_migrate())
