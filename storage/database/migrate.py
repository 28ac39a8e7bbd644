"""Brings a database to the newest schema: our tables and the job engine's."""

import asyncio
import logging
from pathlib import Path
from typing import Literal, TypeAlias

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine

import migrations

from ..config import StorageSettings
from ..work.dispatch import migrate_engine
from .session import create_engine

VERSION_TABLE = "gh_schema_version"
# Ahead: a newer version has migrated, and this one goes on until it is replaced.
SchemaState: TypeAlias = Literal["ok", "ahead", "pending"]
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


async def is_current(engine: AsyncEngine) -> bool:
    """Whether our tables have the schema that this version works with."""
    return await schema_state(engine) != "pending"


async def schema_state(engine: AsyncEngine) -> SchemaState:
    """How the schema of our tables compares with this version's newest."""
    async with engine.connect() as connection:
        return await connection.run_sync(_schema_state)


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
    if _schema_state(connection) != "pending":
        return
    command.upgrade(alembic_config(connection), "head")


def _schema_state(connection: Connection) -> SchemaState:
    script = ScriptDirectory.from_config(alembic_config())
    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    )
    heads = set(context.get_current_heads())
    if heads == set(script.get_heads()):
        return "ok"
    known = {revision.revision for revision in script.walk_revisions()}
    return "ahead" if heads - known else "pending"
