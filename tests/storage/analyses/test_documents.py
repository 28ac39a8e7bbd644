import pytest
from sqlalchemy import update

from gradhealth.schemas.analysis import Analysis, AnalysisPage
from storage.analyses.documents import DocumentStore
from storage.analyses.filters import Filters
from storage.analyses.records import NewAnalysis
from storage.tables import ResultRow
from tests.support.results import a_result
from tests.support.storages import open_stores

ALL = Filters()


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened


@pytest.fixture
def documents(stores):
    return DocumentStore(stores.sessions, project=None)


def new(**fields):
    return NewAnalysis("architecture", {"name": 'a "name"\n'}, **fields)


async def test_a_document_is_the_analysis(stores, documents):
    labels = {'a"b': "<b>\n", "c": "\U0001f600"}
    queued = await stores.analyses.create(new(labels=labels))
    finished = await stores.analyses.create_finished(new(), a_result())

    for analysis in (queued, finished):
        document = await documents.find(analysis.id)
        stored = await stores.analyses.get(analysis.id)
        assert Analysis.model_validate_json(document).model_dump_json() == (
            stored.model_dump_json()
        )


async def test_results_from_before_there_were_documents_are_rebuilt(stores, documents):
    finished = await stores.analyses.create_finished(new(), a_result())
    document = await documents.find(finished.id)
    async with stores.sessions.writing() as session:
        old = update(ResultRow).where(ResultRow.analysis_id == finished.id)
        await session.execute(old.values(document=None))

    rebuilt = await documents.find(finished.id)

    assert Analysis.model_validate_json(rebuilt).model_dump_json() == (
        Analysis.model_validate_json(document).model_dump_json()
    )


async def test_what_does_not_exist_or_is_anothers_has_no_document(stores, documents):
    created = await stores.analyses.create(new(project="theirs"))
    mine = DocumentStore(stores.sessions, project="mine")

    assert await documents.find("nowhere") is None
    assert await mine.find(created.id) is None
    assert AnalysisPage.model_validate_json(
        await mine.page(ALL, limit=10, cursor=None)
    ) == AnalysisPage(items=[])


async def test_pages_follow_each_other_to_the_end(stores):
    documents = DocumentStore(stores.sessions, project="paged")
    created = [
        (await stores.analyses.create(new(project="paged"))).id for _ in range(5)
    ]
    seen, cursor = [], None
    while cursor is not None or not seen:
        page = AnalysisPage.model_validate_json(
            await documents.page(ALL, limit=2, cursor=cursor)
        )
        seen += [analysis.id for analysis in page.items]
        cursor = page.next_cursor

    assert seen == created[::-1]
