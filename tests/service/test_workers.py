from tests.support.storages import open_stores


async def test_the_operator_sees_each_worker_and_what_it_does(api, storage):
    async with open_stores(storage) as stores:
        await stores.workers.beat(
            "one", "cuda", queues=["gpu", "cpu"], age_seconds=90.0
        )
        await stores.workers.beat("two", "cuda", state="faulty", reason="stuck")
        answer = await api.get("/v1/workers")
        await stores.workers.retire("one")
        await stores.workers.retire("two")

    one, two = answer.json()["items"]
    assert (one["id"], one["device"], one["queues"]) == ("one", "cuda", ["gpu", "cpu"])
    assert (one["state"], one["alive"], one["version"] != "") == ("ready", True, True)
    assert (one["analyses"], one["helps"]) == ([], [])
    assert (two["state"], two["reason"]) == ("faulty", "stuck")


async def test_without_workers_the_list_is_empty(api):
    answer = await api.get("/v1/workers")

    assert (answer.status_code, answer.json()) == (200, {"items": []})
