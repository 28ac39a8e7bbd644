"""Engine and sessions: durable SQLite, reconnecting PostgreSQL."""

import sqlite3
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from ..config import StorageSettings

_READS = "gradhealth_reads"
_WAL_ATTEMPTS, _WAL_PAUSE_SECONDS = 100, 0.02
_SQLITE_PRAGMAS = (
    "PRAGMA busy_timeout=30000",
    # An accepted analysis survives a power cut.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)
# A server that vanishes without a word is noticed in seconds, not in minutes.
_POSTGRESQL_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def create_engine(settings: StorageSettings) -> AsyncEngine:
    """Open the engine of the configured database; it connects on first use."""
    engine = create_async_engine(settings.url, **_arguments(settings))
    _prepare(engine.sync_engine)
    return engine


def create_synchronous_engine(settings: StorageSettings) -> Engine:
    """The same for transactions that a thread runs as a whole."""
    engine = sqlalchemy.create_engine(settings.sync_url, **_arguments(settings))
    _prepare(engine)
    return engine


def _arguments(settings: StorageSettings) -> dict[str, Any]:
    # Errors are logged: not with other people's models and secrets in them.
    if settings.is_sqlite:
        return {"hide_parameters": True}
    return {
        "hide_parameters": True,
        "pool_pre_ping": True,
        "pool_size": 10,
        "connect_args": _POSTGRESQL_ARGUMENTS,
    }


def _prepare(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return
    # A new one is its owner's alone: whoever reads the file needs no key.
    folder = Path(str(engine.url.database)).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    # The driver must not open transactions by itself: _begin_sqlite does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    _switch_to_wal(cursor)
    cursor.close()


def _switch_to_wal(cursor: DBAPICursor) -> None:
    # The first two connections to a new file may both try to switch it; the one that
    # comes second is refused at once, whatever the busy_timeout.
    for _ in range(_WAL_ATTEMPTS):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once with
    # "database is locked" when another writer came between: busy_timeout is not
    # consulted. So writers take the lock when they begin.
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


class Sessions:
    """Opens transactions; each commits when its block ends without an error."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._write = async_sessionmaker(engine, expire_on_commit=False)
        reads: dict[str, Any] = {_READS: True}
        if engine.dialect.name == "postgresql":
            # Saves the round trips of BEGIN and COMMIT; rows that belong together are
            # written in one transaction, so reading them one after another is safe.
            reads["isolation_level"] = "AUTOCOMMIT"
        self._reading = engine.execution_options(**reads)
        self._read = async_sessionmaker(self._reading, expire_on_commit=False)

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Begin a transaction that only reads: it never waits for a writer."""
        return self._read.begin()

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Begin a transaction that may write."""
        return self._write.begin()

    def looking(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Begin a transaction that only reads, for rows that become no objects."""
        return self._reading.connect()
