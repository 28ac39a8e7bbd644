import gradhealth
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
    }


async def test_what_a_kernel_does_not_grant_is_said(api, storage):
    async with open_stores(storage) as stores:
        await stores.workers.beat("old-kernel", "cpu", ["network"])
        await stores.workers.beat("gpu", "cuda", ["files"])
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
