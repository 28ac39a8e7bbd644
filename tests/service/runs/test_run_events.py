"""Alerts of runs: raised, cleared, and told as they come."""

import asyncio
import json

import numpy as np
import pytest

from gradhealth.schemas.run import RunProgress
from service.runs.events import RunEventService
from service.watching import Watch
from storage.runs.alerts import AlertStore
from tests.support.live_runs import a_batch, announce, send
from tests.support.logs import falling

CHANCE = 2.303
FLAT = [CHANCE] * 60
LEARNING = falling(np.random.default_rng(0), CHANCE, 0.05, num_steps=200)


async def judged(api, run):
    return (await api.get(f"/v1/runs/{run}")).json()


@pytest.fixture
async def stalled(api):
    """A run that learns nothing in its first 60 steps."""
    run = await announce(api, config={"trivial_loss": CHANCE})
    await send(api, run, a_batch(FLAT))
    await judged(api, run)
    return run


async def recovers(api, run):
    """It learns in the next 200."""
    for sequence, losses in enumerate(np.split(LEARNING, 4), 1):
        batch = a_batch(losses, sequence=sequence, first_step=10 + 50 * sequence)
        await send(api, run, batch)
        await judged(api, run)


def events_in(text):
    blocks = [block for block in text.split("\n\n") if "event: " in block]
    return [
        dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks
    ]


async def test_a_problem_is_raised_once_and_cleared_when_it_is_gone(api, stalled):
    raised = await judged(api, stalled)
    await recovers(api, stalled)
    cleared = await judged(api, stalled)

    (alert,) = raised["alerts"]
    assert (alert["state"], alert["problem"]) == ("raised", "stalled_training")
    assert (alert["number"], alert["step"]) == (1, 59)
    assert alert["finding"]["problem"] == "stalled_training"
    assert [p["problem"] for p in raised["problems"]] == ["stalled_training"]
    assert cleared["alerts"][0]["state"] == "cleared"
    assert cleared["alerts"][0]["problem"] == "stalled_training"
    assert "stalled_training" not in [p["problem"] for p in cleared["problems"]]


async def test_a_healthy_run_raises_nothing(api):
    run = await announce(api, config={"trivial_loss": CHANCE})
    await send(api, run, a_batch(LEARNING))

    run = await judged(api, run)

    assert run["verdict"] == "healthy"
    assert (run["alerts"], run["problems"]) == ([], [])


async def test_runs_are_judged_without_being_asked(api):
    run = await announce(api, config={"trivial_loss": CHANCE})
    await send(api, run, a_batch(FLAT))

    async with asyncio.timeout(20):
        while True:
            page = (await api.get("/v1/runs")).json()
            listed = next(each for each in page["items"] if each["id"] == run)
            if listed["judged_step"] == 59:
                break
            await asyncio.sleep(0.02)

    assert listed["primary"] == "stalled_training"


async def test_a_stream_tells_alerts_by_number_and_progress(api, stalled):
    await recovers(api, stalled)
    address = f"/v1/runs/{stalled}/events?seconds=0.6"

    answer = await api.get(address)
    resumed = await api.get(address, headers={"Last-Event-ID": "1"})

    told = events_in(answer.text)
    alerts = [each for each in told if each["event"] == "alert"]
    assert [each["id"] for each in alerts][:2] == ["1", "2"]
    progress = json.loads(told[-1]["data"])
    assert (told[-1]["event"], progress["num_steps"]) == ("progress", 260)
    assert "1" not in [each.get("id") for each in events_in(resumed.text)]


async def test_news_come_while_a_run_goes_on(api, stores, stalled):
    watch = Watch(AlertStore(stores.sessions), pause_seconds=0.01)

    async def listen():
        stream = RunEventService(watch).stream(stalled, after=0, seconds=20)
        return [event async for event in stream]

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.1)
    await recovers(api, stalled)
    await asyncio.sleep(0.1)
    await api.delete(f"/v1/runs/{stalled}")
    events = await listening
    await watch.close()

    alerts = [json.loads(e.raw_data) for e in events if e.event == "alert"]
    assert [alert["number"] for alert in alerts] == [*range(1, len(alerts) + 1)]
    states = [a["state"] for a in alerts if a["problem"] == "stalled_training"]
    assert states == ["raised", "cleared"]
    progress = [e.raw_data for e in events if e.event == "progress"]
    steps = [RunProgress.model_validate_json(text).num_steps for text in progress]
    assert steps == sorted(steps)
    assert steps[-1] == 260


async def test_an_unknown_run_is_refused_before_a_stream_begins(api):
    answer = await api.get("/v1/runs/nowhere/events")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
