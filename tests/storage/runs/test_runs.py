"""What is stored of runs, on both databases."""

import asyncio
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select, update

from gradhealth.alerts import Changes
from gradhealth.diagnosis import Diagnosis
from storage.access.usage import UsageStore
from storage.analyses.records import now
from storage.retention import Retention
from storage.runs.chunks import pack_chunks, unpack_chunks
from storage.runs.intake import Intake
from storage.runs.judgements import JudgementStore
from storage.runs.records import NewRun
from storage.runs.store import RunStore
from storage.tables import AlertRow, ChunkRow, RunRow
from tests.support.live_runs import LAYERS, a_batch
from tests.support.storages import open_stores

DAY = timedelta(days=1)
NAMES = ["grad_norm"]


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


@pytest.fixture
def sessions(stores):
    return stores.sessions


@pytest.fixture
def intake(stores):
    return Intake(stores.transactions, project=None)


async def begin(sessions, project="p"):
    new = NewRun(name="a run", project=project, num_bytes=100)
    run = await RunStore(sessions, project=project).create(new)
    async with sessions.writing() as session:
        row = await session.get(RunRow, run.id)
        row.num_layers = len(LAYERS)
    return run.id


async def append(intake, run_id, batch):
    packed = batch.to_packed()
    return await intake.append(run_id, packed, pack_chunks(packed))


async def count(sessions, table, run_id):
    query = select(func.count()).select_from(table).filter_by(run_id=run_id)
    async with sessions.reading() as session:
        return (await session.execute(query)).scalar()


def a_diagnosis():
    return Diagnosis("healthy", None, "fine", (), ())


def test_a_batch_is_the_same_after_it_was_stored_in_chunks():
    batch = a_batch([1.0, float("nan"), 3.0])
    table = np.ma.masked_all((3, len(LAYERS)))
    table[1, 2] = float("inf")
    batch.layer_series["sampled"] = table

    chunks = pack_chunks(batch.to_packed())
    again = unpack_chunks([*chunks.values()])

    assert chunks.keys() == {"", "grad_norm", "sampled"}
    assert again.to_binary() == batch.to_binary()
    assert unpack_chunks([chunks[""], chunks["sampled"]]).layer_series.keys() == {
        "sampled"
    }


async def test_batches_are_read_in_order_from_any_step(sessions, intake):
    run = await begin(sessions)
    for sequence in range(5):
        batch = a_batch([1.0] * 10, sequence=sequence, first_step=10 * sequence)
        await append(intake, run, batch)
    store = JudgementStore(sessions)

    steps = [
        [batch.steps[0] for batch in await store.batches_after(run, step, NAMES)]
        for step in (-1, 19, 49)
    ]

    assert steps == [[0, 10, 20, 30, 40], [20, 30, 40], []]


async def test_of_one_batch_sent_twice_at_once_one_is_kept(sessions, intake):
    run = await begin(sessions)
    batch = a_batch([1.0] * 10)

    receipts = await asyncio.gather(*(append(intake, run, batch) for _ in range(6)))

    assert sorted(receipt.is_repeat for receipt in receipts) == [False, *[True] * 5]
    assert await count(sessions, ChunkRow, run) == 2
    assert {receipt.num_steps for receipt in receipts} == {10}


async def test_of_two_judgements_of_the_same_steps_one_is_kept(sessions, intake):
    run = await begin(sessions)
    await append(intake, run, a_batch([1.0] * 10))
    store = JudgementStore(sessions)
    assert run in await store.unjudged()

    kept = await asyncio.gather(
        *(
            store.save(
                run, a_diagnosis(), Changes([], [], []), judged_before=-1, step=9
            )
            for _ in range(4)
        )
    )

    assert sorted(kept) == [False, False, False, True]
    assert run not in await store.unjudged()


async def test_what_is_deleted_leaves_nothing(sessions, intake):
    run = await begin(sessions)
    await append(intake, run, a_batch([1.0] * 10))

    assert await RunStore(sessions, project="p").delete(run)

    assert await count(sessions, ChunkRow, run) == 0
    assert await count(sessions, AlertRow, run) == 0
    assert await JudgementStore(sessions).state(run) is None


async def test_runs_count_in_what_a_project_stores(sessions, intake):
    run = await begin(sessions, "bytes")
    batch = a_batch([1.0] * 10)
    await append(intake, run, batch)
    await append(intake, run, batch)

    stored = await UsageStore(sessions, "bytes").stored_bytes()
    await RunStore(sessions, project="bytes").delete(run)

    assert stored == 100 + sum(map(len, pack_chunks(batch.to_packed()).values()))
    assert await UsageStore(sessions, "bytes").stored_bytes() == 0


async def test_runs_that_are_quiet_for_long_go(sessions):
    ages = {
        "begun": (31, None),
        "quiet": (60, 31),
        "going": (60, 1),
        "young": (1, None),
    }
    ids = {name: await begin(sessions) for name in ages}
    async with sessions.writing() as session:
        for name, (created, updated) in ages.items():
            times = {"created_at": now() - created * DAY}
            if updated is not None:
                times["updated_at"] = now() - updated * DAY
            await session.execute(
                update(RunRow).where(RunRow.id == ids[name]).values(times)
            )

    assert await Retention(sessions, 30 * DAY).purge() == 2

    store = RunStore(sessions, project=None)
    left = {name for name, run in ids.items() if await store.knows(run)}
    assert left == {"going", "young"}
