"""Logs that a worker reads."""

import io

import pytest

from gradhealth.ingest import LogMapping
from gradhealth.schemas.analysis import Options, Source
from storage.analyses.records import NewAnalysis
from storage.uploads.content import Upload
from storage.uploads.readings import ReadRun
from tests.support.results import a_result
from tests.support.storages import open_stores

UPLOAD = Upload("a.csv", "csv", LogMapping({"loss": "cost"}, ["x"]), num_bytes=3)
RUNS = [ReadRun(name, a_result(), name.encode()) for name in ("one", "two", "one")]


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


async def queued(stores, **more):
    new = NewAnalysis(
        "trace",
        {"name": "", "limits": {}},
        options=Options(source=Source(path="a.csv")),
        labels={"branch": "main"},
        **more,
    )
    content = io.BytesIO(b"abc")
    (analysis,) = await stores.uploads.create_queued(UPLOAD, content, new)
    return new, analysis


async def test_a_worker_is_given_the_log_and_how_to_read_it(stores):
    new, analysis = await queued(stores)

    claim = await stores.claims().begin(analysis.id)
    log = await stores.readings.load(analysis.id)

    assert (claim.kind, claim.spec) == ("trace", new.spec)
    assert (log.upload, log.content) == (UPLOAD, b"abc")


async def test_each_run_becomes_an_analysis_and_the_first_is_the_claimed(stores):
    new, analysis = await queued(stores, idempotency_key="k", request_hash="h")
    claim = await stores.claims().begin(analysis.id)

    await stores.readings.finish(claim, RUNS)

    runs = await stores.uploads.runs(analysis.id)
    assert runs[0].id == analysis.id
    assert [run.labels for run in runs] == [
        {"branch": "main", "run": run.name} for run in RUNS
    ]
    assert {run.status for run in runs} == {"succeeded"}
    found = await stores.analyses.page(
        label=("run", "two"), verdict=runs[1].result.verdict
    )
    assert [each.id for each in found.items] == [runs[1].id]
    found = await stores.analyses.page(
        label=("run", "one"), verdict=runs[0].result.verdict
    )
    assert {each.id for each in found.items} == {runs[0].id, runs[2].id}
    traces = [await stores.analyses.trace(run.id) for run in runs]
    assert traces == [b"one", b"two", b"one"]
    assert await stores.analyses.spec(analysis.id) == {"name": "one"}
    assert repr(await stores.uploads.earlier(new)) == repr(runs)


async def test_a_single_run_needs_no_label(stores):
    _, analysis = await queued(stores)
    claim = await stores.claims().begin(analysis.id)

    await stores.readings.finish(claim, RUNS[:1])

    (run,) = await stores.uploads.runs(analysis.id)
    assert run.labels == {"branch": "main"}


async def test_of_a_lost_claim_nothing_is_stored(stores):
    _, analysis = await queued(stores)
    claim = await stores.claims().begin(analysis.id)
    await stores.analyses.cancel(analysis.id)

    await stores.readings.finish(claim, RUNS)

    (run,) = await stores.uploads.runs(analysis.id)
    assert run.status == "cancelled"


async def test_a_log_that_was_deleted_is_gone(stores):
    _, analysis = await queued(stores)
    await stores.analyses.delete(analysis.id)

    assert await stores.readings.load(analysis.id) is None
    assert await stores.uploads.runs(analysis.id) == []
