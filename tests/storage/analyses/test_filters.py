"""Listings by one and by several filters: what they hold, and how it is found."""

import asyncio
from itertools import product
from typing import get_args

import pytest
from sqlalchemy import insert, select, text, update

from gradhealth.schemas.analysis import AnalysisError, AnalysisPage, Status
from storage.analyses.documents import DocumentStore
from storage.analyses.filters import Filters, newest_first
from storage.analyses.records import NewAnalysis, label_columns, new_row, now
from storage.analyses.results import save_result
from storage.cursors import Position, encode_cursor
from storage.database.session import create_engine
from storage.tables import AnalysisRow, LabelRow
from tests.support.results import a_result
from tests.support.storages import open_stores

STATUSES = get_args(Status)
VERDICTS = ("healthy", "critical")
MAIN = ("branch", "main")


async def fill(storage):
    """One of each sort, in two projects, on two branches."""
    async with open_stores(storage) as stores:
        claims = stores.claims()
        for project, branch in product("pq", ("main", "work")):
            new = NewAnalysis(
                "architecture", {}, project=project, labels={"branch": branch}
            )
            for verdict in VERDICTS:
                await stores.analyses.create_finished(new, a_result(verdict=verdict))
            _, running, failed, cancelled, measured = [
                (await stores.analyses.create(new)).id for _ in range(5)
            ]
            await claims.begin(running)
            await claims.fail(
                await claims.begin(failed), AnalysisError(code="c", message="m")
            )
            await claims.finish(
                await claims.begin(measured), a_result(verdict="healthy"), b""
            )
            await stores.analyses.cancel(cancelled)


@pytest.fixture(scope="module")
def filled(storage):
    asyncio.run(fill(storage))
    return storage


@pytest.fixture
async def stores(filled):
    async with open_stores(filled) as opened:
        yield opened


async def listed(stores, filters, *, within=None, limit=5):
    """All that the pages hold."""
    documents = DocumentStore(stores.sessions, project=within)
    items, cursor = [], None
    while True:
        document = await documents.page(filters, limit=limit, cursor=cursor)
        page = AnalysisPage.model_validate_json(document)
        items += page.items
        if (cursor := page.next_cursor) is None:
            return items


def ids(analyses):
    return [each.id for each in analyses]


def meets(analysis, filters):
    wanted = {
        "project": (filters.project, analysis.project),
        "status": (filters.status, analysis.status),
        "verdict": (filters.verdict, analysis.result and analysis.result.verdict),
        "label": (filters.label, ("branch", analysis.labels["branch"])),
    }
    return all(one in {None, other} for one, other in wanted.values())


@pytest.mark.parametrize("label", [None, MAIN])
@pytest.mark.parametrize("project", [None, "p"])
async def test_pages_hold_what_meets_all_filters_newest_first(stores, project, label):
    everything = await listed(stores, Filters(), limit=50)
    assert len(everything) == 28

    for status, verdict in product((None, *STATUSES), (None, *VERDICTS)):
        filters = Filters(project, status, verdict, label)
        found = await listed(stores, filters)
        within = await listed(stores, Filters(None, status, verdict, label), within="p")

        expected = [each for each in everything if meets(each, filters)]
        assert ids(found) == ids(expected)
        assert ids(within) == ids(each for each in found if each.project == "p")


async def test_another_project_than_ones_own_has_nothing(stores):
    assert await listed(stores, Filters("q", label=MAIN), within="p") == []


INDEXES = {
    "analyses_created_at_id": [Filters()],
    "analyses_project_created_at_id": [Filters("p")],
    "analyses_status_created_at_id": [
        Filters(status="queued"),
        Filters(status="queued", label=MAIN),
    ],
    "analyses_project_status_created_at_id": [Filters("p", "running", label=MAIN)],
    "analyses_verdict_created_at_id": [
        Filters(verdict="critical"),
        Filters(None, "succeeded", "critical"),
    ],
    "analyses_project_verdict_created_at_id": [
        Filters("p", verdict="critical"),
        Filters("p", "succeeded", "critical"),
    ],
    "analyses_project_name_created_at_id": [
        Filters("p", name="n"),
        Filters("p", "succeeded", name="n"),
    ],
    "labels_key_value_created_at_analysis_id": [
        Filters(label=MAIN),
        Filters(None, "succeeded", label=MAIN),
    ],
    "labels_project_key_value_created_at_analysis_id": [
        Filters("p", label=MAIN),
        Filters("p", "succeeded", label=MAIN),
    ],
    "labels_key_value_outcome_created_at_analysis_id": [
        Filters(None, "failed", label=MAIN),
        Filters(None, None, "critical", label=MAIN),
    ],
    "labels_project_key_value_outcome_created_at_analysis_id": [
        Filters("p", "cancelled", label=MAIN),
        Filters("p", "succeeded", "critical", label=MAIN),
    ],
}


async def plan_of(storage, query):
    engine = create_engine(storage)
    sql = query.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
    async with engine.connect() as connection:
        plan = await connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"))
        steps = [step.detail for step in plan]
    await engine.dispose()
    return steps


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("index", "filters"), [(name, each) for name, s in INDEXES.items() for each in s]
)
async def test_sqlite_walks_along_one_index_and_does_not_sort(storage, index, filters):
    cursor = encode_cursor(Position(now(), "id"))
    for start in (None, cursor):
        query = select(AnalysisRow)
        query = newest_first(query, filters, within=None, cursor=start).limit(51)
        steps = await plan_of(storage, query)

        assert f"INDEX ix_gh_{index} " in f"{steps[0]} "
        assert not any("ORDER BY" in step for step in steps)


async def test_what_an_earlier_version_writes_is_found(stores):
    """Its rows name none of the columns that hold copies."""
    project, label = "earlier", ("branch", "old")
    new = NewAnalysis("architecture", {}, project=project)
    rows = [new_row(new, status="running") for _ in range(3)]
    copies = {"project", "created_at", "outcome"}
    labels = [
        {key: value for key, value in columns.items() if key not in copies}
        for row in rows
        for columns in label_columns(row, dict([label]))
    ]
    async with stores.sessions.writing() as session:
        for row in rows:
            columns = {k: v for k, v in vars(row).items() if k != "verdict"}
            await session.execute(insert(AnalysisRow), columns)
        await session.execute(insert(LabelRow), labels)
    running, failed, measured = ids(rows)
    async with stores.sessions.writing() as session:
        await save_result(session, measured, a_result())
        for id_, status in ((failed, "failed"), (measured, "succeeded")):
            its = update(AnalysisRow).where(AnalysisRow.id == id_)
            await session.execute(its.values(status=status))

    for filters, expected in {
        Filters(verdict="critical"): [measured],
        Filters(verdict="critical", label=label): [measured],
        Filters(status="failed", label=label): [failed],
        Filters(status="running", label=label): [running],
        Filters(label=label): [measured, failed, running],
    }.items():
        assert ids(await listed(stores, filters, within=project)) == expected
