"""Who does which work when, and how workers stop, through real processes."""

import asyncio
from collections import Counter

import pytest

from storage.analyses.records import NewAnalysis
from tests.support.processes import pid_in
from tests.support.scenes import IMPATIENT, scene_on

NAP = ["nap", {"seconds": 0.2}]


def logged_naps(file, number, seconds):
    return [
        ["log_and_nap", {"file": str(file), "line": str(n), "seconds": seconds}]
        for n in range(number)
    ]


def lines(file):
    """What was logged: (line, template of the worker that did it)."""
    text = file.read_text() if file.exists() else ""
    return [tuple(line.split()) for line in text.splitlines()]


async def running(scene):
    while not (await scene.stores.analyses.page(status="running")).items:
        await asyncio.sleep(0.02)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "num_jobs",
    [
        pytest.param(30, id="small"),
        pytest.param(1000, id="full", marks=[pytest.mark.faults]),
    ],
)
async def test_a_flood_delays_others_by_no_more_than_what_runs(storage, num_jobs):
    async with scene_on(storage) as scene:
        flood = [await scene.submit(NAP, project="flood") for _ in range(num_jobs)]
        scene.fleet.start("one", "two")
        await running(scene)

        single = await scene.end_of(await scene.submit(NAP, project="single"))

        others = [await scene.stores.analyses.get(id_) for id_ in flood]
    between = [
        each
        for each in others
        if each.started_at and single.created_at < each.started_at < single.started_at
    ]
    # Two workers may each have been taking their next one at that very moment.
    assert len(between) <= 2
    assert sum(each.status == "queued" for each in others) > num_jobs / 3


@pytest.mark.any_database
async def test_idle_workers_do_units_of_an_analysis(storage, tmp_path):
    file = tmp_path / "log"
    async with scene_on(storage, **IMPATIENT) as scene:
        await scene.start("one", "two", "three")
        id_ = await scene.submit(*logged_naps(file, 12, 0.4), at_once=True)

        ended = await scene.end_of(id_)

    assert ended.status == "succeeded"
    assert ended.result.notes == [str(n) for n in range(12)]
    assert Counter(line for line, _ in lines(file)).total() == 12
    assert len({worker for _, worker in lines(file)}) == 3


@pytest.mark.any_database
async def test_one_worker_does_all_of_it_alone(storage, tmp_path):
    file = tmp_path / "log"
    async with scene_on(storage, **IMPATIENT) as scene:
        scene.fleet.start("one")
        id_ = await scene.submit(*logged_naps(file, 5, 0.01), at_once=True)

        ended = await scene.end_of(id_)

    assert ended.status == "succeeded"
    assert [line for line, _ in lines(file)] == ["0", "1", "2", "3", "4"]


@pytest.mark.any_database
@pytest.mark.parametrize("victim", ["owner", "helper"])
async def test_a_killed_worker_repeats_no_unit_that_was_finished(
    storage, tmp_path, victim
):
    file = tmp_path / "log"
    async with scene_on(storage, **IMPATIENT) as scene:
        await scene.start("one", "two")
        id_ = await scene.submit(
            *logged_naps(file, 8, 0.6), ["echo", {"value": "end"}], at_once=True
        )
        while len({worker for _, worker in lines(file)}) < 2:
            await asyncio.sleep(0.05)
        does = {
            each.id: "owner" if each.analyses else "helper"
            for each in await scene.workers()
        }

        scene.fleet.kill(next(name for name in does if does[name] == victim))
        ended = await scene.end_of(id_)

    assert ended.status == "succeeded"
    assert ended.result.notes == [*map(str, range(8)), "end"]
    # One that was under way at the kill runs again.
    times = Counter(line for line, _ in lines(file))
    assert times.total() <= 8 + 1
    assert ended.attempts == (2 if victim == "owner" else 1)


@pytest.mark.any_database
async def test_helping_gives_way_to_a_workers_own_analysis(storage, tmp_path):
    file = tmp_path / "log"
    async with scene_on(storage, **IMPATIENT) as scene:
        await scene.start("one", "two")
        long = await scene.submit(*logged_naps(file, 4, 3), at_once=True)
        while len(lines(file)) < 2:
            await asyncio.sleep(0.05)

        short = await scene.end_of(await scene.submit(NAP), seconds=2)
        await scene.stores.analyses.cancel(long)

    assert short.status == "succeeded"


@pytest.mark.any_database
async def test_a_worker_told_to_stop_may_finish_what_it_has(storage):
    async with scene_on(storage, drain_seconds=20, **IMPATIENT) as scene:
        scene.fleet.start("one")
        id_ = await scene.submit(["nap", {"seconds": 1}])
        following = await scene.submit(NAP)
        await running(scene)

        exit_code = await asyncio.to_thread(scene.fleet.stop, "one")

        ended = await scene.stores.analyses.get(id_)
        assert (exit_code, ended.status, ended.attempts) == (0, "succeeded", 1)
        waiting = await scene.stores.analyses.get(following)
        assert (waiting.status, waiting.attempts) == ("queued", 0)


@pytest.mark.any_database
async def test_work_for_a_gpu_waits_for_one(storage):
    async with scene_on(storage) as scene:
        scene.fleet.start("one")
        new = NewAnalysis(kind="architecture", spec={"units": [NAP]}, queue="gpu")
        for_gpu = await scene.stores.analyses.create(new)

        for_cpu = await scene.end_of(await scene.submit(NAP))

        waiting = await scene.stores.analyses.get(for_gpu.id)
    assert (for_cpu.status, waiting.status) == ("succeeded", "queued")


@pytest.mark.any_database
async def test_a_stuck_device_takes_its_worker_out_which_says_so(
    storage, tmp_path, monkeypatch
):
    stuck = tmp_path / "stuck"
    monkeypatch.setenv("CUDA_STUCK_FILE", str(stuck))
    async with scene_on(storage, job_seconds=1, device_seconds=1) as scene:
        scene.fleet.start("one")
        pid_file = tmp_path / "pid"
        failing = await scene.submit(["hold_the_gil", {"file": str(pid_file)}])
        await pid_in(pid_file)
        stuck.touch()
        failed = await scene.end_of(failing)
        following = await scene.submit(NAP)

        while (worker := (await scene.workers())[0]).state != "faulty":
            await asyncio.sleep(0.05)

        assert failed.error.code == "time_limit"
        assert worker.alive
        assert "did not answer within 1 s" in worker.reason
        assert (await scene.stores.analyses.get(following)).status == "queued"
        stuck.unlink()
        scene.fleet.start("healthy")
        assert (await scene.end_of(following)).status == "succeeded"
        assert scene.fleet.stop("one") == 0


@pytest.mark.any_database
async def test_a_training_that_fails_on_a_device_in_order_costs_nobody_else(
    storage, tmp_path
):
    async with scene_on(storage, job_seconds=1, **IMPATIENT) as scene:
        scene.fleet.start("one")
        failing = ["hold_the_gil", {"file": str(tmp_path / "pid")}]

        failed = await scene.end_of(await scene.submit(failing))
        following = await scene.end_of(await scene.submit(NAP))

        assert (failed.status, following.status) == ("failed", "succeeded")
        assert (await scene.workers())[0].state == "ready"


@pytest.mark.any_database
async def test_workers_are_seen_with_what_they_do(storage, tmp_path):
    async with scene_on(storage, **IMPATIENT) as scene:
        scene.fleet.start("one")
        file = tmp_path / "pid"
        id_ = await scene.submit(["hold_the_gil", {"file": str(file)}])
        await pid_in(file)

        (worker,) = await scene.workers()

    assert (worker.id, worker.device, worker.queues) == ("one", "cpu", ["cpu"])
    assert (worker.state, worker.alive, worker.analyses) == ("ready", True, [id_])
    assert 0 <= worker.silence_seconds < 5
