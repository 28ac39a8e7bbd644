import asyncio
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from storage.access.usage import UsageStore
from storage.analyses.overviews import OverviewStore
from storage.config import StorageSettings
from storage.database.migrate import alembic_config, migrate
from storage.database.schema import (
    VERSION_TABLE,
    is_current,
    revisions,
    schema_state,
)
from storage.database.session import create_engine
from storage.tables import Base
from tests.support.storages import open_stores


@pytest.fixture(params=["sqlite", "postgresql"])
def old_database(request, tmp_path):
    """A database without tables."""
    if request.param == "sqlite":
        return StorageSettings(data_dir=tmp_path, database_url=None)
    url = request.getfixturevalue("postgres").create_database()
    return StorageSettings(database_url=url)


def test_files_of_migrations_are_numbered_by_their_revision():
    script = ScriptDirectory.from_config(alembic_config())

    assert revisions() == [r.revision for r in reversed([*script.walk_revisions()])]


def _is_ours(name, kind, _parents):
    return kind != "table" or name.startswith("gh_")


def _differences(connection):
    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE, "include_name": _is_ours}
    )
    return compare_metadata(context, Base.metadata)


async def test_the_migrations_make_the_tables_the_code_expects(storage):
    engine = create_engine(storage)
    async with engine.connect() as connection:
        differences = await connection.run_sync(_differences)
    await engine.dispose()

    assert differences == []


async def test_migrating_again_changes_nothing(storage):
    await asyncio.gather(migrate(storage), migrate(storage))

    engine = create_engine(storage)
    assert await is_current(engine)
    await engine.dispose()


async def test_a_new_database_is_not_current(tmp_path):
    engine = create_engine(StorageSettings(data_dir=tmp_path, database_url=None))

    assert not await is_current(engine)

    await engine.dispose()


async def test_a_newer_version_may_have_migrated(tmp_path):
    settings = StorageSettings(data_dir=tmp_path, database_url=None)
    await migrate(settings)
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await connection.execute(
            sa.text(f"UPDATE {VERSION_TABLE} SET version_num = 'of the future'")
        )

    assert await schema_state(engine) == "ahead"
    assert await is_current(engine)

    await engine.dispose()


async def test_two_can_migrate_a_new_database_at_once(tmp_path):
    settings = StorageSettings(data_dir=tmp_path / "new folder 100%", database_url=None)

    await asyncio.gather(migrate(settings), migrate(settings))

    engine = create_engine(settings)
    assert await is_current(engine)
    await engine.dispose()


async def test_analyses_of_an_earlier_version_are_kept_named_and_counted(old_database):
    columns = {
        "id": "old",
        "kind": "theory",
        "project": "p",
        "status": "queued",
        "spec": '{"name": "deep", "model": []}',
        "options": "{}",
        "phase": "queued",
        "done": 0,
        "total": 0,
        "attempts": 0,
        "created_at": datetime.now(UTC),
    }
    engine = create_engine(old_database)
    row = sa.table("gh_analyses", *map(sa.column, columns))
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade_to, "0002")
        await connection.execute(row.insert().values(_typed(engine, columns)))
    await engine.dispose()

    await migrate(old_database)

    async with open_stores(old_database) as stores:
        assert await UsageStore(stores.sessions, "p").stored_bytes() > 0
        assert (await stores.analyses.get("old")).status == "queued"
        overviews = OverviewStore(stores.sessions, project=None)
        assert await overviews.names("p") == ["deep"]


def _typed(engine, columns):
    cast = sa.JSON if engine.dialect.name == "postgresql" else sa.Text
    return columns | {
        name: sa.cast(sa.literal(columns[name], sa.Text), cast)
        for name in ("spec", "options")
    }


def _upgrade_to(connection, revision):
    command.upgrade(alembic_config(connection), revision)
