"""Without keys, a service is for its own machine."""

import asyncio

import pytest

from service.access.keyless import check_keys
from service.sockets import CannotListenError
from storage.access.keys import KeyStore

STRANGERS = ["0.0.0.0", "::", "192.168.0.1", "gradhealth.example.com"]


async def test_on_this_machine_nobody_is_asked_until_a_key_was_made(api, stores):
    keys = KeyStore(stores.sessions)

    before = await api.get("/v1/analyses")
    key = await keys.create(project="p", name="", scopes=["read"])
    await keys.revoke(key.id)

    assert before.status_code == 200
    async with asyncio.timeout(5):
        while (await api.get("/v1/analyses")).status_code != 401:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("host", STRANGERS)
async def test_it_does_not_listen_to_others_without_a_key(storage, host):
    with pytest.raises(CannotListenError, match="gradhealth key create"):
        await check_keys(host, storage)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_to_this_machine_it_listens(storage, host):
    await check_keys(host, storage)
