"""Rows as earlier versions wrote them are told by today's API.

Each file of `stored/` was written by the code of its time: SQLite's rows, without what
is null, and bytes as hex.
"""

import json
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from service.app import create_app
from service.config import ServiceSettings
from storage.config import StorageSettings
from storage.database.migrate import alembic_config, create_migration_engine, migrate
from tests.support.apis import open_api

FILES = sorted(Path(__file__).with_name("stored").glob("*.json"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """A database without tables."""
    if request.param == "sqlite":
        return StorageSettings(data_dir=tmp_path, database_url=None)
    url = request.getfixturevalue("postgres").create_database()
    return StorageSettings(database_url=url)


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
async def rows(request, database):
    """The rows of a file, which are in the database, in its version's tables."""
    stored = json.loads(request.param.read_text())
    engine = create_migration_engine(database)
    async with engine.begin() as connection:
        await connection.run_sync(insert, stored["revision"], stored["rows"])
    await engine.dispose()
    return stored["rows"]


def insert(connection, revision, rows):
    command.upgrade(alembic_config(connection), revision)
    for name, rows_of_table in rows.items():
        types = {
            each["name"]: each["type"]
            for each in sa.inspect(connection).get_columns(name)
        }
        for row in rows_of_table:
            written = {key: raw(value, types[key]) for key, value in row.items()}
            marks = ", ".join(f":{key}" for key in row)
            query = sa.text(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({marks})")
            connection.execute(query, written)


def raw(value, column):
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return bool(value) if isinstance(column, sa.Boolean) else value


async def test_it_is_all_told(database, rows):
    await migrate(database)

    results = {row["analysis_id"]: row for row in rows["gh_results"]}
    async with open_api(create_app(ServiceSettings(), database)) as api:
        for row in rows["gh_analyses"]:
            address = f"/v1/analyses/{row['id']}"
            told = (await api.get(address)).json()
            assert told["status"] == row["status"]
            if row["id"] in results:
                result, stored = told["result"], results[row["id"]]
                assert result["verdict"] == stored["verdict"]
                assert result["summary"] == stored["summary"]
                for part in ("findings", "layers", "fixes"):
                    assert len(result[part]) == count(rows, f"gh_{part}", row["id"])
                report = await api.get(f"{address}/report", params={"format": "html"})
                assert stored["summary"] in unescape(report.text)
        for row in rows.get("gh_runs", ()):
            told = (await api.get(f"/v1/runs/{row['id']}")).json()
            assert told["name"] == row["name"]


def count(rows, table, analysis_id):
    return sum(row["analysis_id"] == analysis_id for row in rows[table])
