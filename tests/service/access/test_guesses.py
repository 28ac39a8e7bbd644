"""Keys that open nothing, from addresses of the documentation's own networks."""

from contextlib import asynccontextmanager

import httpx
import pytest

from service.access.rates import MOST_BUCKETS, Buckets
from service.app import create_app
from service.config import ServiceSettings
from storage.access.credentials import ApiKey
from storage.access.keys import KeyStore
from tests.support.requests import body

QUOTA = 3
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"
FORM = {"Origin": "http://127.0.0.1"}


@pytest.fixture
def app(storage):
    return create_app(ServiceSettings(wrong_keys_per_minute=QUOTA), storage)


@pytest.fixture
async def service(app):
    """Clients of the service by their addresses."""

    @asynccontextmanager
    async def client(address):
        transport = httpx.ASGITransport(app, client=(address, 1234))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1"
        ) as opened:
            yield opened

    async with app.router.lifespan_context(app):
        yield client


@pytest.fixture
async def keys(stores):
    return KeyStore(stores.sessions)


@pytest.fixture
async def key(keys):
    return await keys.create(project="p", name="", scopes=["read", "write"])


async def show(api, key):
    headers = {"Authorization": f"Bearer {key.text}"}
    return await api.get("/v1/analyses", headers=headers)


async def guess(api, number=QUOTA):
    return [await show(api, ApiKey.new()) for _ in range(number)]


async def test_guesses_are_refused_with_when_to_go_on(service, key):
    async with service(HERE) as api:
        *wrong, refused = await guess(api, QUOTA + 1)

    assert [each.status_code for each in wrong] == [401] * QUOTA
    for answer, left in ((wrong[0], 2), (wrong[-1], 0), (refused, 0)):
        assert answer.headers["ratelimit-policy"] == f'"address";q={QUOTA};w=60'
        assert answer.headers["ratelimit"].startswith(f'"address";r={left};t=')
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60 / QUOTA
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:gradhealth:problem:too-many-wrong-keys"


async def test_who_is_at_work_is_not_locked_out_by_a_neighbours_guesses(service, key):
    async with service(HERE) as api:
        before = await show(api, key)
        await guess(api, QUOTA + 1)

        after = await show(api, key)

    assert before.status_code == after.status_code == 200
    assert "address" not in after.headers["ratelimit"]


async def test_a_guess_too_many_is_not_looked_at_even_if_it_is_right(service, key):
    async with service(HERE) as api:
        await guess(api)

        assert (await show(api, key)).status_code == 429


async def test_other_addresses_are_not_held_responsible(service, key):
    async with service(HERE) as api:
        await guess(api)
    async with service(ELSEWHERE) as api:
        assert (await show(api, key)).status_code == 200


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
    ],
)
async def test_all_addresses_of_a_customer_are_one(service, key, one, other, is_one):
    async with service(one) as api:
        await guess(api)
    async with service(other) as api:
        answer = await show(api, key)

    assert answer.status_code == (429 if is_one else 200)


async def test_right_keys_and_requests_without_any_cost_nothing(service, key, keys):
    more = [await keys.create(project="p", name="", scopes=["read"]) for _ in range(9)]
    async with service(HERE) as api:
        for _ in range(QUOTA + 1):
            assert (await api.get("/v1/analyses")).status_code == 401
        for each in (key, *more):
            assert (await show(api, each)).status_code == 200
        *wrong, refused = await guess(api, QUOTA + 1)

    assert {each.status_code for each in wrong} == {401}
    assert refused.status_code == 429


async def test_a_revoked_key_counts_like_any_that_opens_nothing(
    app, service, key, keys
):
    async with service(HERE) as api:
        await show(api, key)
        await keys.revoke(key.id)
        app.state.key_ring.forget(key.text)

        answers = [await show(api, key) for _ in range(QUOTA + 1)]

    assert [each.status_code for each in answers] == [401] * QUOTA + [429]


async def test_the_page_to_sign_in_counts_too(service, key):
    async with service(HERE) as api:
        for _ in range(QUOTA):
            answer = await api.post("/sign-in", data={"key": "wrong"}, headers=FORM)
            assert answer.status_code == 401
        browser = {**FORM, "Accept": "text/html"}
        page = await api.post("/sign-in", data={"key": "wrong"}, headers=browser)
        refused = await api.post("/sign-in", data={"key": key.text}, headers=FORM)

    assert page.status_code == refused.status_code == 429
    assert "keys that open nothing" in page.text
    assert page.headers["retry-after"]
    assert refused.headers["content-type"] == "application/problem+json"


async def test_who_just_signed_in_goes_on_whatever_neighbours_do(service, key):
    async with service(HERE) as api:
        await show(api, key)
        await guess(api)
        answer = await api.post("/sign-in", data={"key": key.text}, headers=FORM)
        assert "ratelimit" not in answer.headers

        posted = await api.post("/v1/analyses", json=body(), headers=FORM)

    assert posted.status_code == 202


def test_buckets_of_ever_new_addresses_do_not_pile_up():
    buckets = Buckets(1)
    for number in range(2 * MOST_BUCKETS):
        buckets.take(str(number), now=0.0)

    assert buckets.take(str(2 * MOST_BUCKETS - 1), now=0.0).retry_seconds
    assert not buckets.take("0", now=0.0).retry_seconds
