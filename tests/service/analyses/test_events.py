"""Streams of events, and the one watch that they share."""

import asyncio
import gc
import json

import pytest
from sqlalchemy.exc import OperationalError

from gradhealth.schemas.analysis import Progress
from gradhealth.schemas.event import Done
from service.analyses.events import EventService
from service.watching import Watch
from storage.analyses.events import EventStore
from storage.sights import Sight
from tests.support.requests import body, finish
from tests.support.results import a_result

FINDINGS = a_result().findings
STARTING, TRAINING = Progress(phase="starting"), Progress(phase="training", total=9)


class Sights:
    """A store that shows what it is told to, and counts how often it is asked."""

    def __init__(self):
        self.progress, self.events, self.done = STARTING, [], None
        self.is_gone, self.error = False, None
        self.looks = []

    async def look(self, known):
        self.looks.append(dict(known))
        if self.error:
            raise self.error
        if self.is_gone:
            return {}
        return {
            id_: Sight(self.progress, self.done, self.events[n:])
            for id_, n in known.items()
        }


@pytest.fixture
async def sights():
    return Sights()


@pytest.fixture
async def watch(sights):
    watch = Watch(sights, pause_seconds=0.01)
    yield watch
    await watch.close()


async def heard(watch, name="a", after=0):
    events = EventService(watch).stream(name, after=after)
    return [event async for event in events]


def kinds(events):
    return [event.event for event in events if event.event]


async def test_news_come_as_they_are_and_the_end_comes_last(watch, sights):
    listening = asyncio.create_task(heard(watch))
    for progress, events in ((TRAINING, []), (TRAINING, FINDINGS)):
        await asyncio.sleep(0.05)
        sights.progress, sights.events = progress, events
    await asyncio.sleep(0.05)
    sights.done = Done(status="succeeded", verdict="critical", summary="It vanishes.")

    events = await listening

    assert kinds(events) == ["progress", "progress", "finding", "finding", "done"]
    assert [e.id for e in events if e.event == "finding"] == ["1", "2"]
    assert json.loads(events[-1].raw_data)["verdict"] == "critical"


async def test_a_client_that_comes_back_gets_what_it_missed(watch, sights):
    sights.events, sights.done = FINDINGS, Done(status="succeeded")

    assert [e.id for e in await heard(watch, after=1) if e.id] == ["2"]
    assert kinds(await heard(watch, after=2)) == ["done"]
    assert kinds(await heard(watch, after=99)) == ["done"]


async def test_all_who_listen_share_the_looks(watch, sights):
    listening = [
        asyncio.create_task(heard(watch, name))
        for name in ("a", "b")
        for _ in range(50)
    ]
    await asyncio.sleep(0.2)
    num_looks = len(sights.looks)
    sights.done = Done(status="succeeded")
    streams = await asyncio.gather(*listening)

    assert num_looks < 50
    assert sights.looks[-1] == {"a": 0, "b": 0}
    assert all(kinds(stream)[-1] == "done" for stream in streams)


async def test_nobody_is_watched_for_nobody(watch, sights):
    listening = asyncio.create_task(heard(watch))
    await asyncio.sleep(0.05)
    listening.cancel()
    await asyncio.wait([listening])
    gc.collect()  # closes the generators inside
    await asyncio.sleep(0.05)
    num_looks = len(sights.looks)

    await asyncio.sleep(0.1)

    assert len(sights.looks) == num_looks


async def test_an_outage_of_the_database_is_waited_for(watch, sights, caplog):
    sights.error = OperationalError("look", {}, OSError("away"))
    listening = asyncio.create_task(heard(watch))
    await asyncio.sleep(0.05)
    sights.error, sights.done = None, Done(status="failed")

    assert kinds(await listening) == ["done"]
    assert "cannot look at what is followed" in caplog.text


async def test_the_stream_of_a_deleted_analysis_just_ends(watch, sights):
    listening = asyncio.create_task(heard(watch))
    await asyncio.sleep(0.05)
    sights.is_gone = True

    assert kinds(await listening) == ["progress"]


async def test_over_http_a_finished_analysis_tells_all_and_ends(api, stores):
    created = (await api.post("/v1/analyses", json=body())).json()
    claim = await stores.claims().begin(created["id"])
    await stores.claims().finish(claim, a_result(), b"", FINDINGS)
    address = f"/v1/analyses/{created['id']}/events"

    answer = await api.get(address)
    resumed = await api.get(address, headers={"Last-Event-ID": "2"})

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("event: finding") == 2
    assert '"spread":"NaN"' in answer.text
    assert resumed.text.count("event: ") == resumed.text.count("event: done") == 1


async def test_an_unknown_analysis_is_refused_before_a_stream_begins(api):
    answer = await api.get("/v1/analyses/nowhere/events")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_work_that_is_going_on_is_followed_in_the_database(api, stores):
    created = (await api.post("/v1/analyses", json=body())).json()
    watch = Watch(EventStore(stores.sessions), pause_seconds=0.01)
    listening = asyncio.create_task(heard(watch, created["id"]))
    await asyncio.sleep(0.1)

    await finish(stores, created["id"])

    names = kinds(await listening)
    assert (names[0], names[-1]) == ("progress", "done")
    await watch.close()
