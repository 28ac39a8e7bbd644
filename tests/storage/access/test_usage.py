import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gradhealth.exceptions import JobError
from gradhealth.schemas.analysis import AnalysisError
from storage.access.usage import UsageStore, count_work
from storage.analyses.records import NewAnalysis
from tests.support.results import a_result
from tests.support.storages import open_stores

SPEC = {"spec_version": 1, "model": []}


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


async def running(stores, project, *, num_bytes=0):
    """An analysis that a worker took, and its claim."""
    new = NewAnalysis("architecture", SPEC, project=project, num_bytes=num_bytes)
    analysis = await stores.analyses.create(new)
    return await stores.claims().begin(analysis.id)


def usage(stores, project):
    return UsageStore(stores.sessions, project)


async def work(stores, project):
    return await usage(stores, project).work_seconds(datetime.now(UTC).date())


async def test_a_project_that_did_nothing_uses_nothing(stores):
    nobody = usage(stores, "nobody")

    assert await nobody.open_analyses() == 0
    assert await nobody.stored_bytes() == 0
    assert await work(stores, "nobody") == 0


async def test_what_is_queued_and_running_is_open(stores):
    claim = await running(stores, "open")
    await stores.analyses.create(NewAnalysis("architecture", SPEC, project="open"))
    await stores.analyses.create(NewAnalysis("architecture", SPEC, project="other"))
    before = await usage(stores, "open").open_analyses()

    await stores.claims().finish(claim, a_result(), b"trace")

    assert before == 2
    assert await usage(stores, "open").open_analyses() == 1


async def test_what_was_sent_and_found_is_stored_until_it_is_deleted(stores):
    claim = await running(stores, "bytes", num_bytes=1000)
    result = a_result()

    await stores.claims().finish(claim, result, b"trace")
    stored = await usage(stores, "bytes").stored_bytes()
    await stores.analyses.delete(claim.analysis_id)

    assert stored == 1000 + len(result.model_dump_json()) + len(b"trace")
    assert await usage(stores, "bytes").stored_bytes() == 0


async def test_work_counts_however_it_ends(stores):
    async def finish(claim):
        await stores.claims().finish(claim, a_result(), b"")

    async def fail(claim):
        await stores.claims().fail(claim, AnalysisError(code=JobError.code, message=""))

    async def cancel(claim):
        await stores.analyses.cancel(claim.analysis_id)

    async def delete(claim):
        await stores.analyses.delete(claim.analysis_id)

    for end in (finish, fail, cancel, delete):
        project = f"ends-by-{end.__name__}"
        claim = await running(stores, project)
        await end(claim)
        await cancel(claim)
        await delete(claim)

        assert 0 < await work(stores, project) < 60, end


async def test_what_nobody_worked_on_is_no_work(stores):
    new = NewAnalysis("architecture", SPEC, project="idle")
    analysis = await stores.analyses.create(new)

    await stores.analyses.cancel(analysis.id)

    assert await work(stores, "idle") == 0


async def test_work_adds_up_over_a_day(stores):
    now = datetime.now(UTC)

    async def count():
        async with stores.sessions.writing() as session:
            await count_work(session, "busy", now - timedelta(seconds=5), now)

    await asyncio.gather(*(count() for _ in range(8)))

    assert await work(stores, "busy") == pytest.approx(40.0)
