import pytest

from service.access.callers import OWNER, Caller
from service.access.rates import Buckets, RateLimits
from service.app import create_app
from service.config import ServiceSettings
from service.exceptions import TooManyRequestsError
from storage.access.keys import KeyStore
from tests.support.apis import open_api


def test_a_full_bucket_lets_its_quota_through_at_once():
    bucket = Buckets(3)

    standings = [bucket.take("a", now=100.0) for _ in range(3)]

    assert [each.remaining for each in standings] == [2, 1, 0]
    assert not [each for each in standings if each.retry_seconds]


def test_an_empty_one_says_when_the_next_may_come():
    bucket = Buckets(3)
    for _ in range(3):
        bucket.take("a", now=100.0)

    refused = bucket.take("a", now=105.0)
    later = bucket.take("a", now=105.0 + refused.retry_seconds)

    assert refused.retry_seconds == pytest.approx(15.0)
    assert refused.full_seconds == pytest.approx(55.0)
    assert not later.retry_seconds


def test_refusals_cost_nothing():
    bucket = Buckets(1)
    bucket.take("a", now=0.0)

    for _ in range(100):
        bucket.take("a", now=30.0)

    assert bucket.take("a", now=30.0).retry_seconds == pytest.approx(30.0)


def test_a_bucket_fills_to_its_quota_and_no_further():
    bucket = Buckets(2)
    bucket.take("a", now=0.0)

    assert bucket.take("a", now=1e6).remaining == 1


def test_buckets_know_nothing_of_each_other():
    bucket = Buckets(1)
    bucket.take("a", now=0.0)

    assert not bucket.take("b", now=0.0).retry_seconds


def test_keys_of_a_project_share_its_bucket():
    limits = RateLimits(key_quota=2, project_quota=3)
    callers = [Caller(key, "p", frozenset()) for key in ("k1", "k1", "k2", "k2")]

    for caller in callers[:3]:
        limits.admit(caller, {})

    with pytest.raises(TooManyRequestsError, match="the project has sent"):
        limits.admit(callers[3], {})


def test_what_the_key_is_refused_the_project_does_not_pay():
    limits = RateLimits(key_quota=1, project_quota=2)
    limits.admit(Caller("k1", "p", frozenset()), {})
    for _ in range(5):
        with pytest.raises(TooManyRequestsError, match="the key has sent"):
            limits.admit(Caller("k1", "p", frozenset()), {})

    limits.admit(Caller("k2", "p", frozenset()), {})


def test_the_owner_of_the_machine_is_not_counted():
    state = {}

    RateLimits(key_quota=1, project_quota=1).admit(OWNER, state)

    assert state == {}


@pytest.fixture
async def key(stores):
    store = KeyStore(stores.sessions)
    return await store.create(project="rates", name="", scopes=["read"])


async def test_every_answer_tells_how_much_is_left(storage, key):
    app = create_app(ServiceSettings(key_requests_per_minute=2), storage)
    async with open_api(app, key) as api:
        ok, foreign, refused = [
            await api.get(path)
            for path in ("/v1/analyses", "/v1/analyses/none", "/v1/analyses")
        ]

    assert [each.status_code for each in (ok, foreign, refused)] == [200, 404, 429]
    for answer, left in ((ok, 1), (foreign, 0), (refused, 0)):
        assert (
            answer.headers["ratelimit-policy"]
            == '"key";q=2;w=60, "project";q=6000;w=60'
        )
        assert answer.headers["ratelimit"].startswith(f'"key";r={left};t=')
    assert 0 < int(refused.headers["retry-after"]) <= 30
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:gradhealth:problem:too-many-requests"
