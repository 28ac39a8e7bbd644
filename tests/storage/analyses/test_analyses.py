import asyncio
import json
import time

import pytest
from sqlalchemy import text

from gradhealth.exceptions import InvalidDocumentError
from gradhealth.schemas.analysis import Options
from storage.analyses.acceptance import Acceptance
from storage.analyses.records import NewAnalysis
from storage.analyses.store import AnalysisStore
from storage.exceptions import IdempotencyConflictError
from storage.work.dispatch import Queue
from tests.support.results import a_result
from tests.support.storages import open_stores

NEW = NewAnalysis(kind="architecture", spec={"z": 1, "a": [1.5, None]})


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


async def test_an_accepted_analysis_reads_back(stores):
    new = NewAnalysis(
        kind="architecture",
        spec={"z": 1, "a": ["\u0000", "\U0001f600"]},
        options=Options(verify_fixes=False, max_trials=3),
        project="vision",
        labels={"branch": "main", "commit": "abc"},
    )

    created = await stores.analyses.create(new)

    assert created.status == "queued"
    assert created.created_at.utcoffset().total_seconds() == 0
    assert created.links.cancel == f"/v1/analyses/{created.id}/cancel"
    assert await stores.analyses.get(created.id) == created
    assert list(await stores.analyses.spec(created.id)) == ["z", "a"]
    assert await stores.analyses.spec(created.id) == new.spec


async def test_options_that_are_not_used_are_not_written(stores):
    # During an upgrade the version before, which may not know them, reads the row.
    new = NewAnalysis(kind="architecture", spec={}, options=Options(max_trials=3))
    created = await stores.analyses.create(new)

    query = text("SELECT CAST(options AS TEXT) FROM gh_analyses WHERE id = :id")
    async with stores.sessions.reading() as session:
        written = (await session.execute(query, {"id": created.id})).scalar()

    assert json.loads(written) == {"max_trials": 3}
    assert await stores.analyses.options(created.id) == new.options


async def test_a_nul_is_no_reason_to_fail(stores):
    new = NewAnalysis(kind="theory", spec={}, labels={"a\0": "b\0"})

    created = await stores.analyses.create_finished(new, a_result(summary="\0"))

    read = await stores.analyses.get(created.id)
    assert read.labels == {"a\ufffd": "b\ufffd"}
    assert read.result.summary == "\ufffd"
    assert await stores.analyses.get("\0") is None
    assert (await stores.analyses.page(project="\0")).items == []


async def test_what_does_not_exist_is_none(stores):
    assert await stores.analyses.get("nowhere") is None
    assert await stores.analyses.spec("nowhere") is None
    assert await stores.analyses.trace("nowhere") is None
    assert await stores.analyses.cancel("nowhere") is None
    await stores.analyses.wait("nowhere", 5)
    assert not await stores.analyses.delete("nowhere")


class InterruptedQueue:
    """Enqueues, and dies before the transaction ends."""

    def __init__(self, queue):
        self._queue = queue

    def enqueue(self, connection, analysis_id, ticket):
        self._queue.enqueue(connection, analysis_id, ticket)
        raise InterruptedError


async def test_row_and_queue_entry_are_written_together_or_not_at_all(stores, storage):
    queue = Queue(stores.transactions.engine)
    acceptance = Acceptance(stores.transactions, InterruptedQueue(queue))
    analyses = AnalysisStore(stores.sessions, acceptance, project=None)
    table = "workflow_status" if storage.is_sqlite else "dbos.workflow_status"
    entries = text(f"SELECT count(*) FROM {table} WHERE queue_partition_key = 'never'")

    with pytest.raises(InterruptedError):
        await analyses.create(
            NewAnalysis(kind="architecture", spec={}, project="never")
        )
    queue.close()

    assert (await stores.analyses.page(project="never")).items == []
    async with stores.sessions.reading() as session:
        assert (await session.execute(entries)).scalar() == 0


async def test_the_same_idempotency_key_gives_the_same_analysis(stores):
    new = NewAnalysis(
        kind="architecture", spec={}, idempotency_key="once", request_hash="1"
    )

    first = await stores.analyses.create(new)
    second = await stores.analyses.create(new)

    assert second == first
    page = await stores.analyses.page(project=new.project)
    assert [each.id for each in page.items].count(first.id) == 1


async def test_the_same_key_at_the_same_moment_gives_one_analysis(stores):
    new = NewAnalysis(
        kind="architecture", spec={}, idempotency_key="at once", request_hash="1"
    )

    created = await asyncio.gather(*(stores.analyses.create(new) for _ in range(8)))

    assert len({analysis.id for analysis in created}) == 1


async def test_the_same_key_for_another_request_is_refused(stores):
    await stores.analyses.create(
        NewAnalysis(
            kind="architecture", spec={}, idempotency_key="mine", request_hash="1"
        )
    )

    with pytest.raises(IdempotencyConflictError, match="'mine'"):
        await stores.analyses.create(
            NewAnalysis(
                kind="architecture", spec={}, idempotency_key="mine", request_hash="2"
            )
        )


async def test_a_key_belongs_to_its_project(stores):
    ours, theirs = (
        NewAnalysis(
            kind="architecture",
            spec={},
            idempotency_key="shared",
            request_hash="1",
            project=project,
        )
        for project in ("ours", "theirs")
    )

    first = await stores.analyses.create(ours)
    second = await stores.analyses.create(theirs)

    assert first.id != second.id


async def test_pages_hold_everything_once_newest_first(stores):
    new = NewAnalysis(kind="architecture", spec={}, project="paged")
    created = [(await stores.analyses.create(new)).id for _ in range(5)]

    seen, cursor, sizes = [], None, []
    while True:
        page = await stores.analyses.page(project="paged", limit=2, cursor=cursor)
        seen += [item.id for item in page.items]
        sizes.append(len(page.items))
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == created[::-1]
    assert sizes == [2, 2, 1]


async def test_filters_hold_together(stores):
    labelled = NewAnalysis(
        kind="theory", spec={}, project="filtered", labels={"branch": "a'b\"c"}
    )
    critical = await stores.analyses.create_finished(labelled, a_result())
    await stores.analyses.create_finished(labelled, a_result(verdict="healthy"))
    await stores.analyses.create(labelled)
    await stores.analyses.create_finished(NEW, a_result())

    page = await stores.analyses.page(
        project="filtered",
        status="succeeded",
        verdict="critical",
        label=("branch", "a'b\"c"),
    )

    assert [item.id for item in page.items] == [critical.id]
    assert page.items[0].labels == {"branch": "a'b\"c"}
    nothing = await stores.analyses.page(project="filtered", label=("branch", "b"))
    assert nothing.items == []


@pytest.mark.parametrize("cursor", ["x", "WzEsMl0=", "é", "W10=", '["2026-01-01","x"]'])
async def test_a_foreign_cursor_is_refused(stores, cursor):
    with pytest.raises(InvalidDocumentError, match="/cursor"):
        await stores.analyses.page(cursor=cursor)


async def test_cancel_ends_what_is_open(stores):
    created = await stores.analyses.create(NEW)

    cancelled = await stores.analyses.cancel(created.id)

    assert cancelled.status == "cancelled"
    assert cancelled.finished_at is not None


async def test_cancel_leaves_what_is_finished(stores):
    finished = await stores.analyses.create_finished(NEW, a_result(layers=[], fixes=[]))

    cancelled = await stores.analyses.cancel(finished.id)

    assert repr(cancelled) == repr(finished)


async def test_delete_removes_every_row(stores):
    labelled = NewAnalysis(kind="architecture", spec={}, labels={"k": "v"})
    created = await stores.analyses.create(labelled)
    claims = stores.claims()
    claim = await claims.begin(created.id)
    await claims.finish(claim, a_result(), b"trace")

    assert await stores.analyses.delete(created.id)

    assert await stores.analyses.get(created.id) is None
    for table in ("results", "findings", "layers", "fixes", "labels", "traces"):
        query = f"SELECT count(*) FROM gh_{table} WHERE analysis_id = '{created.id}'"
        async with stores.sessions.reading() as session:
            assert (await session.execute(text(query))).scalar() == 0


async def test_wait_returns_when_it_is_finished(stores):
    created = await stores.analyses.create(NEW)
    waiting = asyncio.create_task(stores.analyses.wait(created.id, 10))
    await asyncio.sleep(0.1)

    began = time.monotonic()
    await stores.analyses.cancel(created.id)
    await waiting

    assert time.monotonic() - began < 1


async def test_wait_gives_up_after_its_time(stores):
    created = await stores.analyses.create(NEW)

    await stores.analyses.wait(created.id, 0.05)

    assert (await stores.analyses.get(created.id)) == created
