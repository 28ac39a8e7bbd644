import pytest

from gradhealth.exceptions import ChildCrashedError
from gradhealth.schemas.analysis import AnalysisError, Options, Progress
from storage.analyses.records import NewAnalysis
from tests.support.results import a_result
from tests.support.storages import open_stores

NEW = NewAnalysis(
    kind="architecture", spec={"model": []}, options=Options(max_trials=2)
)
CRASH = ChildCrashedError("signal 11")


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


@pytest.fixture
async def analysis_id(stores):
    created = await stores.analyses.create(NEW)
    return created.id


async def test_a_claim_says_what_to_do(stores, analysis_id):
    claim = await stores.claims().begin(analysis_id)

    assert (claim.spec, claim.options, claim.attempts) == (NEW.spec, NEW.options, 1)
    analysis = await stores.analyses.get(analysis_id)
    assert (analysis.status, analysis.attempts) == ("running", 1)
    assert analysis.started_at is not None


async def test_finished_and_unknown_analyses_cannot_be_claimed(stores, analysis_id):
    await stores.analyses.cancel(analysis_id)

    assert await stores.claims().begin(analysis_id) is None
    assert await stores.claims().begin("nowhere") is None


async def test_finishing_stores_result_and_traces(stores, analysis_id):
    claims = stores.claims()
    claim = await claims.begin(analysis_id)

    await claims.finish(claim, a_result(), b"chunk")

    analysis = await stores.analyses.get(analysis_id)
    assert analysis.status == "succeeded"
    assert repr(analysis.result) == repr(a_result())
    assert await stores.analyses.trace(analysis_id) == b"chunk"


async def test_failing_stores_the_reason(stores, analysis_id):
    claims = stores.claims()
    claim = await claims.begin(analysis_id)

    await claims.fail(claim, AnalysisError(code="time_limit", message="too long"))

    analysis = await stores.analyses.get(analysis_id)
    assert analysis.status == "failed"
    assert analysis.error == AnalysisError(code="time_limit", message="too long")


async def test_a_worker_that_lost_its_claim_changes_nothing(stores, analysis_id):
    slow, quick = stores.claims("slow"), stores.claims("quick")
    old = await slow.begin(analysis_id)
    new = await quick.begin(analysis_id)

    assert not await slow.holds(old)
    assert not await slow.report(old, Progress(phase="late", done=1, total=2))
    assert await slow.next_attempt(old, CRASH) is None
    await slow.fail(old, AnalysisError(code="late", message="late"))
    await slow.finish(old, a_result(verdict="healthy"), b"late")
    await slow.release(old)

    assert await quick.holds(new)
    await quick.finish(new, a_result(), b"")
    analysis = await stores.analyses.get(analysis_id)
    assert (analysis.status, analysis.attempts) == ("succeeded", 2)
    assert analysis.result.verdict == "critical"


async def test_finishing_after_a_cancel_changes_nothing(stores, analysis_id):
    claims = stores.claims()
    claim = await claims.begin(analysis_id)
    await stores.analyses.cancel(analysis_id)

    await claims.finish(claim, a_result(), b"")

    analysis = await stores.analyses.get(analysis_id)
    assert (analysis.status, analysis.result) == ("cancelled", None)


async def test_finishing_twice_changes_nothing(stores, analysis_id):
    claims = stores.claims()
    claim = await claims.begin(analysis_id)

    await claims.finish(claim, a_result(), b"1")
    await claims.finish(claim, a_result(verdict="healthy"), b"2")

    assert (await stores.analyses.get(analysis_id)).result.verdict == "critical"


async def test_crashes_count_and_the_last_one_is_told(stores, analysis_id):
    claims = stores.claims(max_attempts=2)
    claim = await claims.begin(analysis_id)

    renewed = await claims.next_attempt(claim, CRASH)

    assert renewed.attempts == 2
    assert not await claims.holds(claim)
    assert await claims.holds(renewed)
    with pytest.raises(ChildCrashedError, match="gave up after 2 attempts: signal 11"):
        await claims.next_attempt(renewed, CRASH)
    assert await claims.holds(renewed)


async def test_workers_that_die_over_it_use_up_the_attempts(stores, analysis_id):
    claims = stores.claims(max_attempts=2)
    await claims.begin(analysis_id)
    await claims.begin(analysis_id)

    assert await claims.begin(analysis_id) is None

    analysis = await stores.analyses.get(analysis_id)
    assert (analysis.status, analysis.attempts) == ("failed", 2)
    assert "2 attempts" in analysis.error.message


async def test_giving_back_does_not_count(stores, analysis_id):
    claims = stores.claims()
    claim = await claims.begin(analysis_id)

    await claims.release(claim)

    analysis = await stores.analyses.get(analysis_id)
    assert (analysis.status, analysis.attempts) == ("queued", 0)
    assert (await claims.begin(analysis_id)).attempts == 1


async def test_progress_is_shown(stores, analysis_id):
    claims = stores.claims()
    claim = await claims.begin(analysis_id)

    assert await claims.report(claim, Progress(phase="training", done=3, total=9))

    analysis = await stores.analyses.get(analysis_id)
    assert analysis.progress == Progress(phase="training", done=3, total=9)


async def test_open_analyses_are_known_by_their_place_in_the_queue(stores, analysis_id):
    finished = await stores.analyses.create(NEW)
    await stores.analyses.cancel(finished.id)

    tickets = await stores.claims().open_tickets()

    assert tickets[analysis_id].queue == "cpu"
    assert finished.id not in tickets
