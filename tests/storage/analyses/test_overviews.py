"""Lists of analyses for people."""

import uuid

import pytest

from storage.analyses.filters import Filters
from storage.analyses.overviews import OverviewStore
from storage.analyses.records import NewAnalysis
from tests.support.results import a_result
from tests.support.storages import open_stores


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


@pytest.fixture
def project():
    """A project that is empty."""
    return f"p-{uuid.uuid4().hex}"


@pytest.fixture
async def create(stores, project):
    async def make(name, project=project, **labels):
        new = NewAnalysis("theory", {"name": name}, project=project, labels=labels)
        return (await stores.analyses.create_finished(new, a_result())).id

    return make


@pytest.fixture
async def overviews(stores, project):
    return OverviewStore(stores.sessions, project=project)


async def ids_of(overviews, filters):
    return [each.id for each in (await overviews.page(filters, limit=9)).items]


async def test_pages_follow_each_other_without_gap_newest_first(create, overviews):
    ids = [await create(f"net {n}") for n in range(5)]

    first = await overviews.page(Filters(), limit=3)
    rest = await overviews.page(Filters(), limit=3, cursor=first.next_cursor)

    assert [each.id for each in (*first.items, *rest.items)] == ids[::-1]
    assert rest.next_cursor is None


async def test_each_filter_restricts_and_none_does_not(create, overviews, project):
    main = await create("a", branch="main")
    other = await create("b", branch="work")

    assert await ids_of(overviews, Filters(name="b")) == [other]
    assert await ids_of(overviews, Filters(label=("branch", "work"))) == [other]
    assert await ids_of(overviews, Filters(status="failed")) == []
    everything = Filters(project, "succeeded", a_result().verdict)
    assert await ids_of(overviews, everything) == [other, main]


async def test_a_network_is_named_once_the_one_worked_on_last_first(
    create, overviews, project
):
    for name in ("a", "b", "a", None):
        await create(name)

    assert await overviews.names(project) == ["a", "b"]


async def test_a_store_of_one_project_knows_no_other(
    create, overviews, stores, project
):
    theirs = await create("theirs", project=f"other-{project}")
    everyones = OverviewStore(stores.sessions, project=None)

    assert await ids_of(overviews, Filters()) == []
    assert await ids_of(overviews, Filters(project=f"other-{project}")) == []
    assert await overviews.projects() == []
    assert await overviews.names(f"other-{project}") == []
    assert await ids_of(everyones, Filters(project=f"other-{project}")) == [theirs]
    assert f"other-{project}" in await everyones.projects()


async def test_numbers_of_several_results_are_read_at_once(create, overviews):
    ids = [await create("a"), await create("b")]

    measured = await overviews.measured([*ids, "unknown"])

    assert measured.keys() == set(ids)
    for each in measured.values():
        assert each.loss.steps == a_result().curves["loss"].steps
        assert len(each.gains) == sum(
            layer.backward_gain is not None for layer in a_result().layers
        )
