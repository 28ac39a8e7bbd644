import asyncio

from sqlalchemy import update

from storage.tables import WorkerRow
from tests.support.storages import open_stores


async def test_a_worker_that_beats_is_alive(storage):
    async with open_stores(storage) as stores:
        await stores.workers.beat("a", "cpu")
        await stores.workers.beat("a", "cpu")
        await stores.workers.beat("b", "cuda")
        alive = await stores.workers.alive(5)

    assert [(beat.id, beat.device) for beat in alive] == [("a", "cpu"), ("b", "cuda")]
    assert all(abs(beat.silence_seconds) < 1 for beat in alive)


async def test_a_silent_worker_is_not_alive_but_remembered(storage):
    async with open_stores(storage) as stores:
        await stores.workers.beat("silent", "cpu")
        await asyncio.sleep(0.2)
        alive = await stores.workers.alive(0.1)
        beats = await stores.workers.beats()

    assert "silent" not in {beat.id for beat in alive}
    assert "silent" in {beat.id for beat in beats}


async def test_a_retired_worker_is_forgotten_at_once(storage):
    async with open_stores(storage) as stores:
        await stores.workers.beat("tired", "cpu")
        await stores.workers.retire("tired")
        beats = await stores.workers.beats()

    assert "tired" not in {beat.id for beat in beats}


async def test_a_worker_silent_for_days_is_forgotten(storage):
    long_ago = WorkerRow.beat_at - 100_000
    async with open_stores(storage) as stores:
        await stores.workers.beat("gone", "cpu")
        await stores.workers.beat("here", "cpu")
        async with stores.sessions.writing() as session:
            gone = update(WorkerRow).where(WorkerRow.id == "gone")
            await session.execute(gone.values(beat_at=long_ago))
        await stores.workers.forget_silent()
        beats = {beat.id for beat in await stores.workers.beats()}

    assert "gone" not in beats
    assert "here" in beats
