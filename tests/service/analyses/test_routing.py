"""Which queue an analysis gets."""

import pytest

from gradhealth.architecture.network import resolve
from gradhealth.schemas.analysis import Options
from service.analyses.routing import Routing
from tests.support.requests import SPEC
from tests.support.storages import open_stores

NETWORK = resolve(SPEC)
LARGE = NETWORK.num_parameters  # for a bound that it just reaches


@pytest.fixture
async def workers(storage):
    async with open_stores(storage) as stores:
        yield stores.workers
        for beat in await stores.workers.beats():
            await stores.workers.retire(beat.id)


async def queue_for(
    workers, *, gpu_parameters=LARGE, device="auto", within=20.0, on_demand=False
):
    routing = Routing(
        workers,
        gpu_parameters=gpu_parameters,
        gpus_on_demand=on_demand,
        worker_alive_seconds=within,
    )
    return await routing.queue_for(NETWORK, Options(device=device))


async def test_a_large_network_is_for_a_gpu(workers):
    await workers.beat("gpu", "cuda")

    assert await queue_for(workers) == "gpu"


async def test_a_small_network_is_not(workers):
    await workers.beat("gpu", "cuda")

    assert await queue_for(workers, gpu_parameters=LARGE + 1) == "cpu"


async def test_without_a_gpu_a_large_network_does_not_wait_for_one(workers):
    await workers.beat("worker", "cpu")

    assert await queue_for(workers) == "cpu"


async def test_where_gpus_come_on_demand_only_a_large_network_waits_for_one(workers):
    small = LARGE + 1

    assert await queue_for(workers, on_demand=True) == "gpu"
    assert await queue_for(workers, on_demand=True, gpu_parameters=small) == "cpu"


async def test_a_worker_that_is_gone_is_not_counted_on(workers):
    await workers.beat("gpu", "cuda")

    assert await queue_for(workers, within=0.0) == "cpu"


@pytest.mark.parametrize("state", ["draining", "faulty"])
async def test_a_gpu_that_takes_no_work_is_not_counted_on(workers, state):
    await workers.beat("gpu", "cuda", state=state)

    assert await queue_for(workers) == "cpu"


@pytest.mark.parametrize("device", ["cpu", "gpu"])
async def test_whoever_asks_for_a_device_gets_it(workers, device):
    assert await queue_for(workers, device=device) == device
