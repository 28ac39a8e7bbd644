from datetime import timedelta

import pytest

from storage.access.credentials import ApiKey
from storage.access.keys import KeyStore, UnknownKeyError
from storage.access.sign_ins import SignInStore
from storage.analyses.records import now
from storage.tables import KeyRow
from tests.support.storages import open_stores

HOUR = timedelta(hours=1)


@pytest.fixture
async def keys(storage):
    async with open_stores(storage) as stores:
        yield KeyStore(stores.sessions)


@pytest.fixture
async def sign_ins(storage):
    async with open_stores(storage) as stores:
        yield SignInStore(stores.sessions)


async def a_key(keys, **changes):
    return await keys.create(
        **{"project": "vision", "name": "ci", "scopes": ["read"]} | changes
    )


async def listed(keys, key_id):
    return next(key for key in await keys.all() if key.id == key_id)


def test_a_key_is_read_back_from_its_text():
    key = ApiKey.new()

    assert ApiKey.parse(key.text) == key
    assert key.text == f"gh_live_{key.id}_{key.secret}"
    assert key.secret not in repr(key)


@pytest.mark.parametrize(
    "text",
    ["", "gh_live_", "gh_live_1_2", "gh_test_" + "0" * 12 + "_" + "0" * 64, "é\0"],
)
def test_other_texts_are_no_keys(text):
    assert ApiKey.parse(text) is None


async def test_a_new_key_opens_its_project(keys):
    key = await a_key(keys, scopes=["write", "read"])

    found = await keys.open(key)

    assert (found.project, found.name, found.scopes) == (
        "vision",
        "ci",
        {"read", "write"},
    )


async def test_of_the_secret_only_a_hash_is_stored(keys, storage):
    key = await a_key(keys)

    async with open_stores(storage) as stores, stores.sessions.reading() as session:
        row = await session.get(KeyRow, key.id)

    columns = [str(getattr(row, column.name)) for column in KeyRow.__table__.columns]
    assert key.digest in columns
    assert not [text for text in columns if key.secret in text]


async def test_a_wrong_secret_and_an_unknown_id_open_nothing(keys):
    key = await a_key(keys)

    assert await keys.open(ApiKey(key.id, "0" * 64)) is None
    assert await keys.open(ApiKey("0" * 12, key.secret)) is None


async def test_an_expired_key_opens_nothing(keys):
    ended = await a_key(keys, expires_at=now() - HOUR)
    lasting = await a_key(keys, expires_at=now() + HOUR)

    assert await keys.open(ended) is None
    assert await keys.open(lasting)


async def test_a_revoked_key_opens_nothing_and_stays_listed(keys):
    key = await a_key(keys)

    await keys.revoke(key.id)

    assert await keys.open(key) is None
    assert (await listed(keys, key.id)).revoked_at
    with pytest.raises(UnknownKeyError, match=key.id):
        await keys.revoke(key.id)


async def test_a_successor_may_do_the_same_and_the_old_key_ends(keys):
    old = await a_key(keys, scopes=["admin"])

    new = await keys.rotate(old.id, overlap=HOUR)

    assert (await keys.open(new)).scopes == {"admin"}
    assert await keys.open(old)
    assert now() < (await listed(keys, old.id)).expires_at < now() + HOUR
    assert (await listed(keys, new.id)).expires_at is None


async def test_a_rotation_prolongs_nothing(keys):
    old = await a_key(keys, expires_at=now() + HOUR)
    expires_at = (await listed(keys, old.id)).expires_at

    new = await keys.rotate(old.id, overlap=2 * HOUR)

    assert (await listed(keys, old.id)).expires_at == expires_at
    assert (await listed(keys, new.id)).expires_at == expires_at


async def test_its_use_is_noted_once_a_minute(keys):
    key = await a_key(keys)
    assert (await listed(keys, key.id)).last_used_at is None

    await keys.open(key)
    first = (await listed(keys, key.id)).last_used_at
    await keys.open(key)

    assert first is not None
    assert (await listed(keys, key.id)).last_used_at == first


async def test_a_wrong_secret_is_no_use(keys):
    key = await a_key(keys)

    await keys.open(ApiKey(key.id, "0" * 64))

    assert (await listed(keys, key.id)).last_used_at is None


async def test_a_sign_in_opens_what_its_key_opens_until_it_ends(keys, sign_ins):
    key = await a_key(keys)

    token = await sign_ins.begin(key.id)
    opened = await sign_ins.open(token)
    await sign_ins.end(token)

    assert opened.id == key.id
    assert await sign_ins.open(token) is None
    assert await sign_ins.open("another") is None


async def test_a_sign_in_ends_with_its_key(keys, sign_ins):
    key = await a_key(keys)
    token = await sign_ins.begin(key.id)

    await keys.revoke(key.id)

    assert await sign_ins.open(token) is None
