import asyncio

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from storage.config import StorageSettings
from storage.migrate import VERSION_TABLE, is_current, migrate
from storage.session import create_engine
from storage.tables import Base


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


async def test_two_can_migrate_a_new_database_at_once(tmp_path):
    settings = StorageSettings(data_dir=tmp_path / "new folder 100%", database_url=None)

    await asyncio.gather(migrate(settings), migrate(settings))

    engine = create_engine(settings)
    assert await is_current(engine)
    await engine.dispose()
