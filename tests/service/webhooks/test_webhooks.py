"""Webhooks from a request to a receiver's verified event."""

import asyncio
import time

import httpx
import pytest

from gradhealth.schemas.webhook import EVENT_TYPES
from service.app import create_app
from service.config import ServiceSettings
from service.webhooks.delivering import LONGEST_PAUSE_SECONDS, Patience
from storage.tables import WebhookRow
from tests.support.apis import open_api
from tests.support.receivers import Receiver
from tests.support.requests import SPEC, body, finish

UNKNOWN = "urn:gradhealth:problem:not-found"


@pytest.fixture
async def local(storage):
    """A client of a service whose webhooks may be on this machine."""
    settings = ServiceSettings(
        webhook_private_targets=True,
        webhook_first_pause_seconds=0.05,
        webhook_attempts=3,
        webhook_seconds=0.5,
        project_webhooks=3,
    )
    async with open_api(create_app(settings, storage)) as client:
        yield client
        for each in (await client.get("/v1/webhooks")).json()["items"]:
            await client.delete(f"/v1/webhooks/{each['id']}")


async def listen(api, url, **more):
    answer = await api.post("/v1/webhooks", json={"url": url, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def cause(api):
    """Something to tell."""
    answer = await api.post("/v1/analyses", json={"kind": "theory", "spec": SPEC})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def received(receiver, number):
    return await asyncio.to_thread(receiver.wait_for, number)


async def settled(api, webhook):
    """The deliveries once none is pending."""
    async with asyncio.timeout(20):
        while True:
            page = await api.get(f"/v1/webhooks/{webhook['id']}/deliveries")
            items = page.json()["items"]
            if items and not [each for each in items if each["state"] == "pending"]:
                return items
            await asyncio.sleep(0.02)


async def test_a_finished_analysis_is_posted_signed(local, stores):
    with Receiver() as receiver:
        webhook = await listen(local, receiver.url)
        analysis_id = (await local.post("/v1/analyses", json=body())).json()["id"]
        await finish(stores, analysis_id, verdict="critical")
        (post,) = await received(receiver, 1)
        (delivery,) = await settled(local, webhook)

    event = post.opened(webhook["secret"])
    assert event["type"] == "analysis.succeeded"
    assert event["data"]["id"] == analysis_id
    assert event["data"]["verdict"] == "critical"
    assert post.headers["content-type"] == "application/json"
    assert post.headers["user-agent"].startswith("gradhealth/")
    assert delivery["id"] == post.id
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    assert delivery["last_status"] == 204


async def test_with_a_key_no_secret_is_in_the_database(storage, stores):
    settings = ServiceSettings(
        webhook_private_targets=True, webhook_attempts=1, webhook_secret_key="k" * 32
    )
    with Receiver() as receiver:
        async with open_api(create_app(settings, storage)) as api:
            webhook = await listen(api, receiver.url)
            await cause(api)
            (post,) = await received(receiver, 1)
            await settled(api, webhook)
        without = settings.model_copy(update={"webhook_secret_key": None})
        async with open_api(create_app(without, storage)) as api:
            await cause(api)
            lost, _ = await settled(api, webhook)
            async with stores.sessions.reading() as session:
                row = await session.get(WebhookRow, webhook["id"])
            await api.delete(f"/v1/webhooks/{webhook['id']}")

    assert post.opened(webhook["secret"])
    assert webhook["secret"].removeprefix("whsec_") not in row.secret
    assert lost["state"] == "dead"
    assert "GRADHEALTH_WEBHOOK_SECRET_KEY" in lost["last_error"]


async def test_an_alert_of_a_run_is_posted(local):
    run = (await local.post("/v1/runs", json={"name": "mine"})).json()
    steps = list(range(40))
    losses = [2.0 - step / 20 if step < 30 else "NaN" for step in steps]
    batch = {"sequence": 0, "steps": steps, "series": {"loss": losses}}
    with Receiver() as receiver:
        webhook = await listen(local, receiver.url, events=["run.alert"])
        await local.post(f"/v1/runs/{run['id']}/batches", json=batch)
        post, *_ = await received(receiver, 1)
        await settled(local, webhook)

    event = post.opened(webhook["secret"])
    assert event["type"] == "run.alert"
    assert event["data"]["run_id"] == run["id"]
    assert (event["data"]["state"], event["data"]["run"]) == ("raised", "mine")
    assert event["data"]["problem"] == "non_finite"


async def test_what_fails_is_repeated_with_the_same_id_until_it_arrives(local):
    with Receiver(lambda count: [500, 301, 200][count]) as receiver:
        webhook = await listen(local, receiver.url)
        await cause(local)
        posts = await received(receiver, 3)
        (delivery,) = await settled(local, webhook)

    assert len({post.id for post in posts}) == 1
    assert len({post.body for post in posts}) == 1
    assert all(post.opened(webhook["secret"]) for post in posts)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 3)


async def test_it_is_dead_after_its_last_attempt_and_lives_again_by_hand(local):
    with Receiver(lambda count: 500 if count < 3 else 200) as receiver:
        webhook = await listen(local, receiver.url)
        await cause(local)
        (dead,) = await settled(local, webhook)
        num_posts = len(receiver.received)
        address = f"/v1/webhooks/{webhook['id']}/deliveries/{dead['id']}/replay"
        replay = await local.post(address)
        (delivered,) = await settled(local, webhook)

    assert (dead["state"], dead["attempts"], num_posts) == ("dead", 3, 3)
    assert (dead["last_status"], dead["last_error"]) == (500, "answered 500")
    assert replay.status_code == 202
    assert replay.json()["state"] == "pending"
    assert (delivered["id"], delivered["state"]) == (dead["id"], "delivered")


async def test_gone_means_never_again(local):
    with Receiver(lambda _: 410) as receiver:
        webhook = await listen(local, receiver.url)
        await cause(local)
        (dead,) = await settled(local, webhook)
        await cause(local)
        (listed,) = (await local.get("/v1/webhooks")).json()["items"]

    assert (dead["state"], dead["last_status"]) == ("dead", 410)
    assert listed["disabled_at"] is not None
    assert len(receiver.received) == 1


async def test_one_that_hangs_delays_no_other(local):
    with (
        Receiver(lambda _: time.sleep(2) or 200) as slow,
        Receiver() as quick,
    ):
        await listen(local, slow.url)
        await listen(local, quick.url)
        for _ in range(12):
            await cause(local)
        posts = await received(quick, 12)

        assert len({post.id for post in posts}) == 12


async def test_the_service_posts_nothing_inside_unless_it_may(api, local):
    with Receiver() as receiver:
        refused = await api.post("/v1/webhooks", json={"url": receiver.url})
    named = await api.post("/v1/webhooks", json={"url": "http://localhost/"})

    for answer in (refused, named):
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/url"
        assert "not a public address" in error["message"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com",
        "https://",
        "https://user:password@example.com/",
        "https://example.com/#part",
        f"https://example.com/{'x' * 2000}",
    ],
)
async def test_what_is_no_address_is_refused(api, url):
    answer = await api.post("/v1/webhooks", json={"url": url})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/url"


@pytest.mark.parametrize(
    "url", ["http://2130706433/", "http://0x7f.1/", "http://[::ffff:7f00:1]/"]
)
async def test_disguised_addresses_are_seen_through(api, url):
    answer = await api.post("/v1/webhooks", json={"url": url})

    assert "not a public address" in answer.json()["detail"]


async def test_events_are_all_unless_chosen_and_must_be_known(local):
    every = await listen(local, "https://a.invalid/")
    some = await listen(local, "https://a.invalid/", events=["run.alert"])
    unknown = {"url": "https://a.invalid/", "events": ["run.alerts"]}
    refused = await local.post("/v1/webhooks", json=unknown)

    assert every["events"] == [*EVENT_TYPES]
    assert some["events"] == ["run.alert"]
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/events/0"


async def test_a_project_has_only_so_many(local):
    for _ in range(3):
        await listen(local, "https://a.invalid/")
    refused = await local.post("/v1/webhooks", json={"url": "https://a.invalid/"})

    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:gradhealth:problem:too-many-webhooks"


async def test_what_is_unknown_is_not_found(local):
    webhook = await listen(local, "https://a.invalid/")
    answers: list[httpx.Response] = [
        await local.delete("/v1/webhooks/unknown"),
        await local.get("/v1/webhooks/unknown/deliveries"),
        await local.post("/v1/webhooks/unknown/deliveries/msg_1/replay"),
        await local.post(f"/v1/webhooks/{webhook['id']}/deliveries/msg_1/replay"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert {answer.json()["type"] for answer in answers} == {UNKNOWN}


def test_pauses_grow_to_a_day_and_differ_a_little():
    patience = Patience(attempts=10, first_pause_seconds=5.0)

    assert 4 <= patience.pause_seconds(1) <= 6
    assert 4 * 16 <= patience.pause_seconds(3) <= 6 * 16
    assert 0.8 <= patience.pause_seconds(10) / LONGEST_PAUSE_SECONDS <= 1.2
    assert patience.pause_seconds(2) != patience.pause_seconds(2)
