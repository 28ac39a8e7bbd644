"""Who does which work when, and how workers stop, through real processes."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.analyses.records import NewAnalysis
from tests.support.processes import pid_in
from tests.support.scenes import IMPATIENT, scene_on

NAP = ["nap", {"seconds": 0.2}]


@dataclass(frozen=True)
class Log:
    """What units leave that are done in this folder; some of them wait at its gate."""

    folder: Path

    def units(self, *numbers, wait=False):
        gate = str(self._gate) if wait else None
        return [
            ["log_and_wait", {"file": str(self._file), "line": str(n), "gate": gate}]
            for n in numbers
        ]

    def open_gate(self):
        self._gate.touch()

    def lines(self):
        """What was logged: (number, template of the worker that did it)."""
        text = self._file.read_text() if self._file.exists() else ""
        return [
            (int(number), worker)
            for number, worker in map(str.split, text.splitlines())
        ]

    async def begun_by(self, num_workers, *, first=0):
        """Wait until so many workers have begun a unit with that number or above."""
        async with asyncio.timeout(20):
            while len({w for n, w in self.lines() if n >= first}) < num_workers:
                await asyncio.sleep(0.05)

    @property
    def _file(self):
        return self.folder / "log"

    @property
    def _gate(self):
        return self.folder / "gate"


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


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
async def test_idle_workers_do_units_of_an_analysis(storage, log):
    async with scene_on(storage, **IMPATIENT) as scene:
        await scene.start("one", "two", "three")
        units = log.units(*range(12), wait=True)
        id_ = await scene.submit(*units, at_once=True)

        await log.begun_by(3)
        log.open_gate()
        ended = await scene.end_of(id_)

    assert ended.status == "succeeded"
    assert ended.result.notes == [str(n) for n in range(12)]
    assert sorted(number for number, _ in log.lines()) == [*range(12)]


@pytest.mark.any_database
async def test_one_worker_does_all_of_it_alone(storage, log):
    async with scene_on(storage, **IMPATIENT) as scene:
        scene.fleet.start("one")
        id_ = await scene.submit(*log.units(*range(5)), at_once=True)

        ended = await scene.end_of(id_)

    assert ended.status == "succeeded"
    assert [number for number, _ in log.lines()] == [0, 1, 2, 3, 4]


@pytest.mark.any_database
async def test_company_that_comes_late_helps_at_once(storage, log):
    async with scene_on(storage, **IMPATIENT) as scene:
        await scene.start("one")
        id_ = await scene.submit(*log.units(0, 1, 2, 3, wait=True), at_once=True)
        await log.begun_by(1)

        await scene.start("two")
        await log.begun_by(2)

        log.open_gate()
        assert (await scene.end_of(id_)).status == "succeeded"
        assert sorted(number for number, _ in log.lines()) == [0, 1, 2, 3]


@pytest.mark.any_database
@pytest.mark.parametrize("victim", ["owner", "helper"])
async def test_a_killed_worker_repeats_no_unit_that_was_finished(storage, log, victim):
    async with scene_on(storage, **IMPATIENT) as scene:
        await scene.start("one", "two")
        id_ = await scene.submit(
            *log.units(0, 1, 2, 3),
            *log.units(4, 5, 6, 7, wait=True),
            ["echo", {"value": "end"}],
            at_once=True,
        )
        await log.begun_by(2, first=4)
        does = {
            each.id: "owner" if each.analyses else "helper"
            for each in await scene.workers()
        }

        scene.fleet.kill(next(name for name in does if does[name] == victim))
        log.open_gate()
        ended = await scene.end_of(id_)

    assert ended.status == "succeeded"
    assert ended.result.notes == [*map(str, range(8)), "end"]
    # One that was under way at the kill runs again.
    times = Counter(number for number, _ in log.lines())
    assert times.total() <= 8 + 1
    assert ended.attempts == (2 if victim == "owner" else 1)


@pytest.mark.any_database
async def test_helping_gives_way_to_a_workers_own_analysis(storage, log):
    async with scene_on(storage, **IMPATIENT) as scene:
        await scene.start("one", "two")
        units = log.units(0, 1, 2, 3, wait=True)
        long = await scene.submit(*units, at_once=True)
        await log.begun_by(2)

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
