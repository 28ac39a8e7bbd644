"""The order in which a queue gives its analyses out."""

import pytest
from sqlalchemy import delete, select

from gradhealth.schemas.analysis import Options
from storage.analyses.records import NewAnalysis
from storage.tables import AnalysisRow
from tests.support.storages import open_stores


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        async with opened.sessions.writing() as session:
            await session.execute(delete(AnalysisRow))
        yield opened


async def accept(stores, project, priority="normal", queue="cpu"):
    options = Options(priority=priority)
    new = NewAnalysis(
        kind="architecture", spec={}, options=options, project=project, queue=queue
    )
    created = await stores.analyses.create(new)
    return created.id


async def order(stores):
    """The projects of what is queued, in turn."""
    query = (
        select(AnalysisRow.project)
        .where(AnalysisRow.status == "queued")
        .order_by(AnalysisRow.turn, AnalysisRow.created_at)
    )
    async with stores.sessions.reading() as session:
        return "".join((await session.execute(query)).scalars())


async def order_of_ids(stores):
    query = select(AnalysisRow.id).order_by(AnalysisRow.turn, AnalysisRow.created_at)
    async with stores.sessions.reading() as session:
        return list((await session.execute(query)).scalars())


async def test_a_single_project_is_served_in_order(stores):
    ids = [await accept(stores, "a") for _ in range(3)]

    assert await order_of_ids(stores) == ids


async def test_projects_alternate(stores):
    for project in "aaaabb":
        await accept(stores, project)

    assert await order(stores) == "ababaa"


async def test_whoever_comes_late_is_next_after_what_runs(stores):
    flood = [await accept(stores, "a") for _ in range(20)]
    for started in flood[:5]:
        await stores.claims().begin(started)

    await accept(stores, "b")

    assert await order(stores) in {"ab" + 14 * "a", "b" + 15 * "a"}


async def test_nobody_gains_by_coming_when_nothing_runs(stores):
    flood = [await accept(stores, "a") for _ in range(10)]
    for started in flood[:8]:
        await stores.claims().begin(started)
        await stores.analyses.cancel(started)

    for _ in range(4):
        await accept(stores, "b")

    assert await order(stores) == "ababbb"


async def test_high_priority_comes_first_in_its_project_and_not_before_others(stores):
    for project in "aaab":
        await accept(stores, project)
    urgent = await accept(stores, "a", "high")

    assert (await order_of_ids(stores)).index(urgent) <= 2
    assert (await order(stores))[:3].count("b") == 1


async def test_high_priority_comes_first_though_nothing_runs(stores):
    for project in "aab":
        await accept(stores, project)
    urgent = [await accept(stores, "a", "high") for _ in range(2)]

    assert (await order_of_ids(stores))[0] == urgent[0]
    assert (await order_of_ids(stores)).index(urgent[1]) < 4


async def test_high_priority_delays_no_other_project(stores):
    flood = [await accept(stores, "a", "high") for _ in range(20)]
    for started in flood[:2]:
        await stores.claims().begin(started)

    await accept(stores, "b")

    assert "b" in (await order(stores))[:2]


async def test_high_priority_one_after_another_delays_no_other_project(stores):
    urgent = await accept(stores, "a", "high")
    await accept(stores, "b")

    await stores.claims().begin(urgent)
    await accept(stores, "a", "high")

    assert await order(stores) == "ba"


async def test_low_priority_waits_for_all_others(stores):
    await accept(stores, "l", "low")
    for project in "aab":
        await accept(stores, project)

    assert await order(stores) == "abal"


async def test_queues_do_not_wait_for_each_other(stores):
    first, *_ = [await accept(stores, "a") for _ in range(3)]
    other = await accept(stores, "a", queue="gpu")

    async with stores.sessions.reading() as session:
        turns = [(await session.get(AnalysisRow, each)).turn for each in (first, other)]
    assert turns[0] == turns[1]
