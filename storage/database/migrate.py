"""Brings a database to the newest schema: our tables and the job engine's."""

import asyncio
import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine

import migrations

from ..config import StorageSettings
from ..work.dispatch import migrate_engine
from .schema import is_current, state_of
from .session import create_engine

# Any number, as long as all of ours agree on it.
_LOCK = 7_202_611

# It announces every look at the schema, and readiness checks look often.
logging.getLogger("alembic").setLevel(logging.WARNING)


async def migrate(settings: StorageSettings) -> None:
    """Create or upgrade all tables; what is up to date stays as it is."""
    engine = create_migration_engine(settings)
    try:
        # Creates the SQLite file as we want it before the job engine opens it.
        await is_current(engine)
        await asyncio.to_thread(migrate_engine, settings)
        # Ours last: whoever sees them current may count on the engine's.
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def create_migration_engine(settings: StorageSettings) -> AsyncEngine:
    """Open an engine that may rebuild tables."""
    engine = create_engine(settings)
    if settings.is_sqlite:
        event.listen(engine.sync_engine, "connect", _ignore_foreign_keys)
    return engine


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; `migrations/env.py` uses the connection."""
    folder = str(Path(migrations.__file__).parent)
    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _ignore_foreign_keys(connection: DBAPIConnection, _record: object) -> None:
    # SQLite changes a table by making it anew. Dropping the old one would delete its
    # rows first, and with them, by cascade, the rows that refer to them.
    connection.cursor().execute("PRAGMA foreign_keys=OFF")


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Two that migrate at once would both create the tables. (On SQLite the
        # transaction has the write lock already.)
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    if state_of(connection) != "pending":
        return
    command.upgrade(alembic_config(connection), "head")
