"""The port of its own, where the socket says which it is."""

import asyncio

import httpx
import pytest

from storage.access.keys import KeyStore
from tests.support.databases import create_sqlite
from tests.support.programs import Programs
from tests.support.storages import open_stores


@pytest.fixture
def database(tmp_path):
    return create_sqlite(tmp_path)


async def make_key(database):
    async with open_stores(database) as stores:
        keys = KeyStore(stores.sessions)
        return await keys.create(project="p", name="", scopes=["admin"])


def test_metrics_are_there_without_a_key_and_only_there(database, tmp_path):
    key = asyncio.run(make_key(database))
    with Programs(database, tmp_path, metrics_port=0) as programs:
        programs.start("service")
        url, metrics_url = programs.urls()
        operator = {"Authorization": f"Bearer {key.text}"}
        statuses = {
            "by key": httpx.get(f"{url}/metrics", headers=operator).status_code,
            "without": httpx.get(f"{url}/metrics").status_code,
            "on its port": httpx.get(f"{metrics_url}/metrics").status_code,
            "else": httpx.get(f"{metrics_url}/v1/runs", headers=operator).status_code,
        }

    assert statuses == {"by key": 200, "without": 401, "on its port": 200, "else": 404}
