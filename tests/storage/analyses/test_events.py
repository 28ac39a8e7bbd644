import pytest

from gradhealth.schemas.analysis import AnalysisError, Progress
from gradhealth.schemas.event import Done, TriedFix
from storage.analyses.events import EventStore
from storage.analyses.records import NewAnalysis
from tests.support.results import a_result
from tests.support.storages import open_stores

NEW = NewAnalysis("architecture", {"model": []})
TRAINING = Progress(phase="training", done=3, total=9)
FINDINGS = a_result().findings
TRIED = [tried for fix in a_result().fixes if (tried := TriedFix.of(fix))]


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


@pytest.fixture
async def look(stores):
    store = EventStore(stores.sessions)

    async def look(analysis_id, known=0):
        return (await store.look({analysis_id: known})).get(analysis_id)

    return look


async def claimed(stores):
    created = await stores.analyses.create(NEW)
    return await stores.claims().begin(created.id)


def same(events, expected):
    # NaN is not equal to itself.
    return list(map(repr, events)) == list(map(repr, expected))


async def test_what_was_found_is_seen_while_the_work_goes_on(stores, look):
    claim = await claimed(stores)

    await stores.claims().report(claim, TRAINING, FINDINGS)
    await stores.claims().report(claim, TRAINING, TRIED, after=len(FINDINGS))

    sight = await look(claim.analysis_id)
    assert (sight.progress, sight.done) == (TRAINING, None)
    assert same(sight.events, [*FINDINGS, *TRIED])


async def test_what_is_known_is_not_read_again(stores, look):
    claim = await claimed(stores)
    await stores.claims().report(claim, TRAINING, FINDINGS)

    assert same((await look(claim.analysis_id, 1)).events, FINDINGS[1:])
    assert (await look(claim.analysis_id, 99)).events == []


async def test_an_answer_that_was_lost_leaves_nothing_twice(stores, look):
    claim = await claimed(stores)

    for _ in range(2):
        await stores.claims().report(claim, TRAINING, FINDINGS)

    assert same((await look(claim.analysis_id)).events, FINDINGS)


async def test_whoever_takes_over_knows_how_much_was_told(stores):
    claim = await claimed(stores)
    await stores.claims().report(claim, TRAINING, FINDINGS)

    taken_over = await stores.claims("another").begin(claim.analysis_id)

    assert (claim.num_events, taken_over.num_events) == (0, len(FINDINGS))
    assert not await stores.claims().report(claim, TRAINING, TRIED, after=2)


async def test_the_end_is_told_with_the_last_events(stores, look):
    claim = await claimed(stores)

    await stores.claims().finish(claim, a_result(), b"", FINDINGS)

    sight = await look(claim.analysis_id)
    assert same(sight.events, FINDINGS)
    assert sight.done == Done(
        status="succeeded", verdict="critical", summary="Gradients vanish."
    )


async def test_failed_and_cancelled_analyses_say_so(stores, look):
    claim = await claimed(stores)
    error = AnalysisError(code="time_limit", message="too long")
    await stores.claims().fail(claim, error)
    cancelled = await stores.analyses.create(NEW)
    await stores.analyses.cancel(cancelled.id)

    assert (await look(claim.analysis_id)).done == Done(status="failed", error=error)
    assert (await look(cancelled.id)).done == Done(status="cancelled")


async def test_what_needed_no_worker_has_told_its_findings(stores, look):
    created = await stores.analyses.create_finished(NEW, a_result())

    assert same((await look(created.id)).events, FINDINGS)


async def test_deleted_analyses_are_not_seen(stores, look):
    claim = await claimed(stores)
    await stores.claims().report(claim, TRAINING, FINDINGS)

    await stores.analyses.delete(claim.analysis_id)

    assert await look(claim.analysis_id) is None
