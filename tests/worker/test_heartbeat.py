import asyncio

import pytest

from tests.support.storages import open_stores
from worker.duties import for_ever
from worker.heartbeat import Heartbeat


@pytest.fixture
async def workers(storage):
    async with open_stores(storage) as stores:
        yield stores.workers
        for beat in await stores.workers.beats():
            await stores.workers.retire(beat.id)


def heart_of(name, workers, state="ready", reason=""):
    heart = Heartbeat(workers, worker_id=name, device="cpu", dead_after_seconds=0.8)
    heart.become(state, reason)
    return heart


async def beat_for(seconds, *hearts):
    for _ in range(round(seconds / 0.1)):
        for heart in hearts:
            await heart.beat()
        await asyncio.sleep(0.1)


async def test_the_first_that_works_takes_care(workers):
    one, two = heart_of("one", workers), heart_of("two", workers)

    await beat_for(1.0, one, two)

    assert await one.trusted() == {"one", "two"}
    assert await two.trusted() is None


async def test_the_dead_are_not_trusted(workers):
    dead, alive = heart_of("a dead one", workers), heart_of("alive", workers)

    await dead.beat()
    await beat_for(1.0, alive)

    assert await alive.trusted() == {"alive"}


async def test_a_faulty_one_neither_takes_care_nor_has_work_in_hand(workers):
    faulty = heart_of("a faulty one", workers, "faulty", "it did not answer")
    ready = heart_of("ready", workers)

    await beat_for(0.2, faulty, ready)
    before_it_is_sure = await ready.trusted()
    await beat_for(0.8, faulty, ready)

    assert before_it_is_sure == await ready.trusted() == {"ready"}
    assert not ready.has_company()


async def test_one_that_warms_up_takes_no_care_yet(workers):
    starting = heart_of("a starting one", workers, "starting")
    ready = heart_of("ready", workers)

    await beat_for(1.0, starting, ready)

    assert await starting.trusted() is None
    assert await ready.trusted() == {"a starting one", "ready"}
    assert ready.has_company()


async def test_nobody_is_called_dead_by_a_worker_that_was_cut_off(workers):
    one, two = heart_of("one", workers), heart_of("two", workers)
    await beat_for(1.0, one, two)

    await asyncio.sleep(0.9)
    await one.beat()

    assert await one.trusted() == {"one", "two"}
    await beat_for(1.0, one)
    assert await one.trusted() == {"one"}


async def test_the_retired_are_not_waited_for(workers):
    one, two = heart_of("one", workers), heart_of("two", workers)
    await one.beat()
    await two.beat()

    await two.retire()

    assert await one.trusted() == {"one"}


async def test_a_duty_that_fails_once_is_done_again(caplog):
    calls = []

    async def duty():
        calls.append(len(calls))
        if len(calls) == 1:
            raise ZeroDivisionError

    task = asyncio.create_task(for_ever(duty, pause_seconds=0.01))
    await asyncio.sleep(0.1)
    task.cancel()

    assert len(calls) > 2
    assert "ZeroDivisionError" in caplog.text
