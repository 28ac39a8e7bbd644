import asyncio
import json

import pytest

from gradhealth.schemas.analysis import AnalysisError
from gradhealth.schemas.webhook import EVENT_TYPES
from storage.analyses.records import NewAnalysis
from storage.webhooks.deliveries import DeliveryStore, read_backlog
from storage.webhooks.secrets import Secrets
from storage.webhooks.store import WebhookStore
from tests.support.results import a_result
from tests.support.storages import open_stores

URL = "https://hooks.example.com/gradients"


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


@pytest.fixture
async def webhooks(stores):
    store = WebhookStore(stores.sessions, project=None, secrets=Secrets())
    yield store
    for each in (await store.all()).items:
        await store.delete(each.id)


def deliveries(stores, lease_seconds=60.0):
    return DeliveryStore(stores.sessions, lease_seconds=lease_seconds)


async def listen(webhooks, *events, project="vision"):
    return await webhooks.create(
        project=project, url=URL, events=events or EVENT_TYPES, most=100
    )


async def analysis(stores, **changes):
    new = NewAnalysis("architecture", {}, **{"project": "vision", **changes})
    return (await stores.analyses.create(new)).id


async def told(stores):
    """The bodies of everything that is due."""
    due = await deliveries(stores).take(100, busy=())
    return [json.loads(each.body) for each in due]


async def test_an_end_is_told_with_what_came_of_it(stores, webhooks):
    await listen(webhooks)
    analysis_id = await analysis(stores, labels={"commit": "1"})
    before = await told(stores)
    claim = await stores.claims().begin(analysis_id)
    await stores.claims().finish(claim, a_result(), b"")
    (event,) = await told(stores)

    assert before == []
    assert event["type"] == "analysis.succeeded"
    result = a_result()
    assert event["data"] == {
        "id": analysis_id,
        "kind": "architecture",
        "project": "vision",
        "labels": {"commit": "1"},
        "status": "succeeded",
        "verdict": result.verdict,
        "primary": result.primary,
        "summary": result.summary,
        "error": None,
        "link": f"/v1/analyses/{analysis_id}",
    }


async def test_failures_and_cancellations_are_told(stores, webhooks):
    await listen(webhooks)
    failed, cancelled = await analysis(stores), await analysis(stores)
    claim = await stores.claims().begin(failed)
    error = AnalysisError(code="time_limit", message="too slow")
    await stores.claims().fail(claim, error)
    await stores.analyses.cancel(cancelled)
    await stores.analyses.cancel(cancelled)
    events = await told(stores)

    assert [each["type"] for each in events] == [
        "analysis.failed",
        "analysis.cancelled",
    ]
    assert events[0]["data"]["error"] == error.model_dump()


async def test_what_is_stored_finished_is_told(stores, webhooks):
    await listen(webhooks)
    await stores.analyses.create_finished(
        NewAnalysis("theory", {}, project="vision"), a_result()
    )

    assert [each["data"]["kind"] for each in await told(stores)] == ["theory"]


async def test_each_webhook_is_told_what_it_asked_for_and_of_its_project(
    stores, webhooks
):
    await listen(webhooks, "analysis.failed")
    await listen(webhooks, project="audio")
    first = await listen(webhooks, "analysis.cancelled", "analysis.succeeded")
    await stores.analyses.cancel(await analysis(stores))
    due = await deliveries(stores).take(100, busy=())

    assert [each.webhook_id for each in due] == [first.id]


async def test_nothing_is_told_of_what_a_lost_claim_tried(stores, webhooks):
    await listen(webhooks)
    analysis_id = await analysis(stores)
    lost = await stores.claims("first").begin(analysis_id)
    await stores.claims("second").begin(analysis_id)
    await stores.claims("first").finish(lost, a_result(), b"")

    assert await told(stores) == []
    await stores.analyses.cancel(analysis_id)


async def test_what_is_taken_is_due_again_when_its_lease_is_over(stores, webhooks):
    await listen(webhooks)
    await stores.analyses.cancel(await analysis(stores))
    (first,) = await deliveries(stores, lease_seconds=0.3).take(100, busy=())
    meanwhile = await deliveries(stores).take(100, busy=())
    await asyncio.sleep(0.4)
    (again,) = await deliveries(stores).take(100, busy=())

    assert meanwhile == []
    assert (again.id, again.attempts) == (first.id, first.attempts + 1)


async def test_two_that_take_at_once_share(stores, webhooks):
    await listen(webhooks)
    for _ in range(10):
        await stores.analyses.cancel(await analysis(stores))
    taken = await asyncio.gather(
        *[deliveries(stores).take(4, busy=()) for _ in range(3)]
    )
    rest = await deliveries(stores).take(100, busy=())

    ids = [each.id for share in [*taken, rest] for each in share]
    assert len(ids) == len(set(ids)) == 10


async def test_busy_webhooks_are_left_alone(stores, webhooks):
    slow, quick = await listen(webhooks), await listen(webhooks)
    await stores.analyses.cancel(await analysis(stores))
    due = await deliveries(stores).take(100, busy={slow.id})

    assert [each.webhook_id for each in due] == [quick.id]


async def test_a_webhook_that_is_gone_is_told_nothing_until_a_replay(stores, webhooks):
    hook = await listen(webhooks)
    await stores.analyses.cancel(await analysis(stores))
    (taken,) = await deliveries(stores).take(100, busy=())
    await deliveries(stores).disable(
        hook.id, answering=taken.id, status=410, error="answered 410"
    )
    await stores.analyses.cancel(await analysis(stores))
    (dead,) = (await webhooks.deliveries(hook.id)).items
    nothing = await deliveries(stores).take(100, busy=())
    replayed = await webhooks.replay(hook.id, dead.id)
    (due,) = await deliveries(stores).take(100, busy=())
    (enabled,) = (await webhooks.all()).items

    assert (dead.state, dead.last_status, dead.due_seconds) == ("dead", 410, None)
    assert nothing == []
    assert (replayed.state, replayed.attempts) == ("pending", 0)
    assert due.id == dead.id
    assert enabled.disabled_at is None


async def test_a_deleted_webhook_takes_its_deliveries_along(stores, webhooks):
    hook = await listen(webhooks)
    await stores.analyses.cancel(await analysis(stores))

    assert await webhooks.delete(hook.id)
    assert await webhooks.deliveries(hook.id) is None
    assert await told(stores) == []
    assert not await webhooks.delete(hook.id)


async def test_the_secret_is_told_once_and_is_new_each_time(stores, webhooks):
    first, second = await listen(webhooks), await listen(webhooks)

    assert first.secret != second.secret
    assert first.secret.startswith("whsec_")
    assert "secret" not in (await webhooks.all()).model_dump_json()


async def test_a_project_has_only_so_many(stores, webhooks):
    await listen(webhooks, project="audio")
    await listen(webhooks)

    refused = await webhooks.create(project="vision", url=URL, events=(), most=1)
    assert refused is None


async def test_the_backlog_counts_what_is_not_delivered(stores, webhooks):
    await listen(webhooks)
    for _ in range(3):
        await stores.analyses.cancel(await analysis(stores))
    store = deliveries(stores)
    one, two, _ = await store.take(3, busy=())
    await store.settle(one.id, "delivered", status=200, error="")
    await store.settle(two.id, "dead", status=500, error="it is broken")
    backlog = await read_backlog(stores.sessions)

    assert (backlog.pending, backlog.dead) == (1, 1)
    assert 0 <= backlog.oldest_seconds < 60
