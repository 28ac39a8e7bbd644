import io
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from gradhealth.ingest import LogMapping
from storage.access.credentials import digest_of
from storage.access.keys import KeyStore
from storage.access.sign_ins import SignInStore
from storage.analyses.finished import Finished
from storage.analyses.records import NewAnalysis, now
from storage.retention import Retention
from storage.tables import (
    AnalysisRow,
    LabelRow,
    SignInRow,
    TraceRow,
    UploadChunkRow,
    UploadRow,
)
from storage.uploads.content import Upload
from tests.support.results import a_result
from tests.support.storages import open_stores

SPEC = {"spec_version": 1, "model": []}
DAY = timedelta(days=1)


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


async def analysis(stores, *, days_old, finished=True):
    new = NewAnalysis("architecture", SPEC, labels={"k": "v"})
    created = await stores.analyses.create(new)
    if finished:
        claim = await stores.claims().begin(created.id)
        await stores.claims().finish(claim, a_result(), b"trace")
    await age(stores, created.id, days_old=days_old, finished=finished)
    return created.id


async def age(stores, analysis_id, *, days_old, finished=True):
    moment = now() - days_old * DAY
    times = {"created_at": moment} | ({"finished_at": moment} if finished else {})
    async with stores.sessions.writing() as session:
        await session.execute(
            update(AnalysisRow).where(AnalysisRow.id == analysis_id).values(times)
        )


async def count(stores, table, **columns):
    query = select(func.count()).select_from(table).filter_by(**columns)
    async with stores.sessions.reading() as session:
        return (await session.execute(query)).scalar()


async def test_what_is_old_and_finished_goes_with_all_that_was_found(stores):
    old = await analysis(stores, days_old=31)

    assert await Retention(stores.sessions, 30 * DAY).purge() == 1
    assert await stores.analyses.get(old) is None
    assert await count(stores, LabelRow, analysis_id=old) == 0
    assert await count(stores, TraceRow, analysis_id=old) == 0


async def test_the_young_and_the_unfinished_stay(stores):
    kept = [
        await analysis(stores, days_old=29),
        await analysis(stores, days_old=300, finished=False),
    ]

    assert await Retention(stores.sessions, 30 * DAY).purge() == 0
    for each in kept:
        assert await stores.analyses.get(each)


async def test_without_a_limit_everything_stays(stores):
    old = await analysis(stores, days_old=10_000)

    assert await Retention(stores.sessions, None).purge() == 0
    assert await stores.analyses.get(old)
    await stores.analyses.delete(old)


async def test_more_than_a_batch_goes_at_once(stores):
    async with stores.sessions.writing() as session:
        session.add_all(AnalysisRow(id=f"old-{n}", **columns()) for n in range(450))

    assert await Retention(stores.sessions, 30 * DAY).purge() == 450


def columns():
    old = now() - 31 * DAY
    return {
        "kind": "theory",
        "project": "default",
        "status": "succeeded",
        "spec": SPEC,
        "options": NewAnalysis("theory", SPEC).options,
        "phase": "done",
        "done": 0,
        "total": 0,
        "attempts": 0,
        "created_at": old,
        "finished_at": old,
    }


async def test_uploads_go_with_their_last_analysis(stores):
    upload = Upload("log", "auto", LogMapping(), num_bytes=3)
    runs = [Finished(NewAnalysis("trace", {"name": n}), a_result()) for n in "ab"]
    first, second = await stores.uploads.create(upload, io.BytesIO(b"abc"), runs)
    await age(stores, first.id, days_old=31)

    await Retention(stores.sessions, 30 * DAY).purge()
    assert (await stores.readings.load(second.id)).content == b"abc"
    await age(stores, second.id, days_old=31)
    await Retention(stores.sessions, 30 * DAY).purge()

    assert await count(stores, UploadRow) == await count(stores, UploadChunkRow) == 0


async def test_ended_sign_ins_go(stores):
    key = await KeyStore(stores.sessions).create(project="p", name="", scopes=["read"])
    sign_ins = SignInStore(stores.sessions)
    ended, lasting = await sign_ins.begin(key.id), await sign_ins.begin(key.id)
    async with stores.sessions.writing() as session:
        await session.execute(
            update(SignInRow)
            .where(SignInRow.digest == digest_of(ended))
            .values(expires_at=now() - DAY)
        )

    await Retention(stores.sessions, None).purge()

    assert await count(stores, SignInRow) == 1
    assert await sign_ins.open(lasting)
