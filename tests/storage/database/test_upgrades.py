"""A database of every earlier version, with data in it, becomes one of today's.

What an earlier version had is what is left when today's data loses all that came later.
A new migration is tested here without further ado.
"""

import asyncio
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from service.app import create_app
from service.config import ServiceSettings
from storage.config import StorageSettings
from storage.database.migrate import (
    alembic_config,
    create_migration_engine,
    migrate,
)
from storage.database.schema import VERSION_TABLE, revisions
from storage.database.session import create_engine
from storage.tables import Base
from tests.support.apis import open_api
from tests.support.requests import body, finish
from tests.support.storages import open_stores

REVISIONS = revisions()[::-1]
LOG = b"\n".join(b'{"step": %d, "loss": 1.0}' % step for step in range(12))
LISTINGS = [
    f"/v1/analyses?{filters}"
    for filters in (
        "status=succeeded",
        "verdict=critical",
        "label=branch:main",
        "label=branch:main&verdict=critical",
        "label=branch:main&status=cancelled&project=default",
    )
]
RUN = {"name": "live", "layers": [{"path": "first"}]}
BATCH = {"sequence": 0, "steps": [0], "series": {"loss": [1.0]}}


async def fill(storage):
    """Something of everything, through the doors that clients use."""
    async with api_of(storage) as api, open_stores(storage) as stores:
        labelled = body(labels={"branch": "main"})
        ids = [(await post(api, "analyses", json=labelled))["id"] for _ in range(3)]
        await finish(stores, ids[0])
        await stores.analyses.cancel(ids[1])
        await post(api, "analyses", json=body(kind="theory"))
        await post(api, "traces", content=LOG)
        run = await post(api, "runs", json=RUN)
        await post(api, f"runs/{run['id']}/batches", json=BATCH)


def api_of(storage):
    return open_api(create_app(ServiceSettings(), storage))


async def post(api, address, **content):
    answer = await api.post(f"/v1/{address}", **content)
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def filled(storage):
    """The database with data in it, and what the API tells and lists of it."""
    asyncio.run(fill(storage))
    listed = asyncio.run(listed_by(storage))
    assert all(listed.values())
    return storage, asyncio.run(told_by(storage)), listed


@pytest.fixture
def old_database(filled, request, tmp_path):
    """A copy of the database."""
    storage, *_ = filled
    if storage.is_sqlite:
        for file in Path(storage.url.database).parent.glob("gradhealth.db*"):
            shutil.copy(file, tmp_path)
        return StorageSettings(data_dir=tmp_path, database_url=None)
    server = request.getfixturevalue("postgres")
    return StorageSettings(database_url=server.create_database(storage.url.database))


async def told_by(storage):
    """What the API tells of everything: by address."""
    async with api_of(storage) as api:
        told = {}
        for kind in ("analyses", "runs"):
            listed = (await api.get(f"/v1/{kind}")).json()["items"]
            for item in listed:
                address = f"/v1/{kind}/{item['id']}"
                told[address] = (await api.get(address)).json()
                if item.get("verdict") and kind == "analyses":
                    page = await api.get(f"{address}/report", params={"format": "html"})
                    assert page.status_code == 200
        return told


async def listed_by(storage):
    """The ids that the API lists, by what it is asked for."""
    async with api_of(storage) as api:
        return {
            asked: [each["id"] for each in (await api.get(asked)).json()["items"]]
            for asked in LISTINGS
        }


def essence(told):
    """Of an analysis or a run, what every version has told."""
    result = told.get("result") or {}
    return {
        **{key: told.get(key) for key in ("id", "kind", "project", "status", "labels")},
        "verdict": result.get("verdict"),
        "summary": result.get("summary"),
        "findings": [each["problem"] for each in result.get("findings", ())],
        "layers": result.get("layers"),
        "fixes": [each["spec"] for each in result.get("fixes", ())],
    }


def downgrade(connection, revision):
    command.downgrade(alembic_config(connection), revision)
    return counts(connection)


def counts(connection):
    """Number of rows of each of our tables."""
    names = sa.inspect(connection).get_table_names()
    return {
        name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name)))
        for name in names
        if name.startswith("gh_") and name != VERSION_TABLE
    }


def differences(connection):
    options = {"version_table": VERSION_TABLE, "include_name": is_ours}
    context = MigrationContext.configure(connection, opts=options)
    return compare_metadata(context, Base.metadata)


def is_ours(name, kind, _parents):
    return kind != "table" or name.startswith("gh_")


@pytest.mark.parametrize("revision", REVISIONS[1:])
async def test_what_an_earlier_version_stored_is_told_as_before(
    filled, old_database, revision
):
    _, before, listed = filled
    engine = create_migration_engine(old_database)
    async with engine.begin() as connection:
        old = await connection.run_sync(downgrade, revision)
    await engine.dispose()

    await migrate(old_database)

    engine = create_engine(old_database)
    async with engine.connect() as connection:
        new = await connection.run_sync(counts)
        assert await connection.run_sync(differences) == []
    await engine.dispose()
    assert {name: new[name] for name in old} == old
    assert old["gh_analyses"] == 5
    assert await listed_by(old_database) == listed
    after = await told_by(old_database)
    known = {each for each in before if "gh_runs" in old or "runs" not in each}
    assert after.keys() == known
    assert [essence(after[each]) for each in known] == [
        essence(before[each]) for each in known
    ]
