import gradhealth
from service.app import create_app
from service.config import ServiceSettings
from storage.config import StorageSettings
from storage.database.migrate import migrate
from storage.database.schema import VERSION_TABLE
from storage.database.session import create_engine
from tests.support.apis import open_api
from tests.support.storages import open_stores


async def test_it_answers_while_the_process_lives(api):
    answer = await api.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_without_a_worker_it_is_degraded_but_takes_work(api, storage):
    degraded = await api.get("/readyz")
    async with open_stores(storage) as stores:
        await stores.workers.beat("worker", "cpu")
        ready = await api.get("/readyz")
        await stores.workers.retire("worker")

    assert degraded.status_code == 200
    assert degraded.json()["status"] == "degraded"
    assert ready.json() == {
        "status": "ok",
        "database": "ok",
        "migrations": "ok",
        "workers": 1,
        "exposed": [],
        "faulty_workers": 0,
    }


async def test_what_a_kernel_does_not_grant_is_said(api, storage):
    async with open_stores(storage) as stores:
        await stores.workers.beat("old-kernel", "cpu", exposed=["network"])
        await stores.workers.beat("gpu", "cuda", exposed=["files"])
        report = (await api.get("/readyz")).json()
        await stores.workers.beat("gpu", "cuda")
        later = (await api.get("/readyz")).json()
        await stores.workers.retire("old-kernel")
        await stores.workers.retire("gpu")

    assert report["exposed"] == ["files", "network"]
    assert later["exposed"] == ["network"]


async def test_the_version_is_the_packages(api):
    answer = await api.get("/version")

    assert answer.json() == {"name": "gradhealth", "version": gradhealth.__version__}


async def test_a_database_without_tables_is_pending(tmp_path):
    storage = StorageSettings(data_dir=tmp_path, database_url=None)
    async with open_api(create_app(ServiceSettings(), storage)) as api:
        answer = await api.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert answer.json()["database"] == "ok"
    assert answer.json()["migrations"] == "pending"


async def test_a_database_that_is_away_is_told_at_once(tmp_path):
    storage = StorageSettings(database_url=f"postgresql://nobody@/x?host={tmp_path}")
    async with open_api(create_app(ServiceSettings(), storage)) as api:
        answer = await api.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["status"] == answer.json()["database"] == "unavailable"
    assert answer.json()["migrations"] == "unknown"


async def test_a_newer_version_may_have_migrated_already(tmp_path):
    storage = StorageSettings(data_dir=tmp_path, database_url=None)
    await migrate(storage)
    engine = create_engine(storage)
    async with engine.begin() as connection:
        future = f"UPDATE {VERSION_TABLE} SET version_num = 'of the future'"
        await connection.exec_driver_sql(future)
    await engine.dispose()
    async with open_api(create_app(ServiceSettings(), storage)) as api:
        answer = await api.get("/readyz")

    assert (answer.status_code, answer.json()["migrations"]) == (200, "ahead")
