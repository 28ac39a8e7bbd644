import pytest
from sqlalchemy import text

from storage.analyses.records import NewAnalysis
from tests.support.results import a_result
from tests.support.storages import open_stores


async def test_a_result_reads_back_as_it_was_written(storage):
    result = a_result()

    async with open_stores(storage) as stores:
        created = await stores.analyses.create_finished(
            NewAnalysis(kind="architecture", spec={}), result
        )
        read = await stores.analyses.get(created.id)

    # NaN differs from itself, so the texts are compared.
    assert repr(read.result) == repr(result)
    assert read.result.model_dump_json() == result.model_dump_json()


async def test_an_empty_result_reads_back_as_it_was_written(storage):
    result = a_result(findings=[], layers=[], curves={}, theory=None, fixes=[])

    async with open_stores(storage) as stores:
        created = await stores.analyses.create_finished(
            NewAnalysis(kind="theory", spec={}), result
        )
        read = await stores.analyses.get(created.id)

    assert read == created
    assert read.result == result


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (
            """SELECT path FROM gh_layers
            JOIN gh_layer_statistics USING (analysis_id, position)
            WHERE statistic = 'backward_gain' AND start_mean < 1e-6""",
            "model.0.0",
        ),
        (
            "SELECT name FROM gh_fixes WHERE verified AND after_progress > 0.9",
            "replace_activation_relu",
        ),
        (
            "SELECT problem FROM gh_findings WHERE severity = 'warning'",
            "stalled_training",
        ),
        (
            "SELECT cause ->> 'kind' FROM gh_findings WHERE confidence > 0.8",
            "activation",
        ),
        (
            # NaN sorts above every number, on both databases.
            "SELECT name FROM gh_fixes WHERE before_loss_last > 1e300",
            "replace_activation_relu",
        ),
    ],
)
async def test_sql_can_question_the_rows(storage, query, answer):
    async with open_stores(storage) as stores:
        created = await stores.analyses.create_finished(
            NewAnalysis(kind="architecture", spec={}), a_result()
        )
        where = f" AND analysis_id = '{created.id}'"
        async with stores.sessions.reading() as session:
            rows = list(await session.execute(text(query + where)))

    assert rows == [(answer,)]
