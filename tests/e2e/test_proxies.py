"""Whose address counts behind a proxy, asked of a real process."""

import httpx
import pytest

from storage.access.keys import KeyStore
from tests.support.databases import create_sqlite
from tests.support.programs import Programs
from tests.support.storages import open_stores


@pytest.fixture
async def url(tmp_path):
    database = create_sqlite(tmp_path)
    async with open_stores(database) as stores:
        await KeyStore(stores.sessions).create(project="p", name="", scopes=["read"])
    with Programs(database, tmp_path, wrong_keys_per_minute=1) as programs:
        programs.start("service")
        (found,) = programs.urls()
        yield found


async def test_a_proxy_that_is_trusted_says_whose_guess_it_is(url):
    async with httpx.AsyncClient(
        base_url=url, headers={"Authorization": "Bearer wrong"}
    ) as proxy:
        statuses = [
            (
                await proxy.get("/v1/runs", headers={"X-Forwarded-For": address})
            ).status_code
            for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")
        ]

    assert statuses == [401, 429, 401]
