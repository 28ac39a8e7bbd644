"""What happens to accepted work when things die, through real processes."""

import asyncio
import random
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.support.databases import PostgresServer, create_postgresql
from tests.support.processes import gone, pid_in
from tests.support.scenes import IMPATIENT, scene_on

ECHO = ["echo", {"value": 1}]


@pytest.fixture
async def scene(storage):
    async with scene_on(storage, job_seconds=2, **IMPATIENT) as opened:
        yield opened


@pytest.mark.parametrize(
    ("num_jobs", "num_kills"),
    [
        pytest.param(12, 2, id="small"),
        pytest.param(60, 5, id="full", marks=[pytest.mark.faults]),
    ],
)
async def test_killed_workers_lose_and_repeat_nothing(
    storage, tmp_path, num_jobs, num_kills
):
    chance = random.Random(0)
    async with scene_on(storage) as scene:
        file = str(tmp_path / "log")
        ids = [
            await scene.submit(
                ["nap", {"seconds": 0.2}], ["log", {"file": file, "line": number}]
            )
            for number in range(num_jobs)
        ]
        scene.fleet.start("one", "two")
        for _ in range(num_kills):
            await asyncio.sleep(chance.uniform(1.0, 2.5))
            victim = chance.choice(["one", "two"])
            scene.fleet.kill(victim)
            scene.fleet.start(victim)
        ended = [await scene.end_of(id_, 90) for id_ in ids]

    assert Counter(each.status for each in ended) == {"succeeded": num_jobs}
    assert max(each.attempts for each in ended) <= 3
    lines = Counter(Path(file).read_text().split())
    assert len(lines) == num_jobs
    # A unit that was under way at a kill may run again; no other may.
    assert lines.total() <= num_jobs + num_kills


async def test_queued_work_runs_after_everything_was_killed(scene):
    scene.fleet.start("one")
    ids = [await scene.submit(["nap", {"seconds": 0.3}]) for _ in range(4)]
    await asyncio.sleep(1.5)
    scene.fleet.kill("one")

    scene.fleet.start("one")

    ended = [await scene.end_of(id_) for id_ in ids]
    assert {each.status for each in ended} == {"succeeded"}


@pytest.mark.any_database
async def test_a_worker_that_never_comes_back_is_replaced(storage, tmp_path):
    file, stuck = tmp_path / "log", tmp_path / "pid"
    async with scene_on(storage, **IMPATIENT) as scene:
        scene.fleet.start("first")
        id_ = await scene.submit(
            ["log", {"file": str(file), "line": "done before"}],
            ["hold_the_gil", {"file": str(stuck)}],
        )
        pid = await pid_in(stuck)
        scene.fleet.start("second")
        await asyncio.sleep(4)

        stuck.unlink()
        scene.fleet.kill("first")
        began = time.monotonic()
        await gone(pid)
        await pid_in(stuck)

        assert time.monotonic() - began < 6
        assert file.read_text() == "done before\n"
        assert (await scene.stores.analyses.get(id_)).attempts == 2


@pytest.mark.any_database
async def test_a_frozen_worker_changes_nothing_when_it_wakes(storage):
    async with scene_on(storage, **IMPATIENT) as scene:
        scene.fleet.start("frozen")
        id_ = await scene.submit(["nap", {"seconds": 1}], ECHO)
        while (await scene.stores.analyses.get(id_)).status == "queued":
            await asyncio.sleep(0.05)
        scene.fleet.start("awake")
        await asyncio.sleep(0.3)
        scene.fleet.freeze("frozen")
        ended = await scene.end_of(id_)

        scene.fleet.thaw("frozen")
        next_id = await scene.submit(ECHO)
        scene.fleet.kill("awake")

        assert (await scene.end_of(next_id)).status == "succeeded"
        assert await scene.stores.analyses.get(id_) == ended
        assert (ended.status, ended.attempts) == ("succeeded", 2)


@pytest.mark.any_database
async def test_a_stopped_worker_gives_its_work_back_uncounted(scene, tmp_path):
    stuck = tmp_path / "pid"
    scene.fleet.start("one")
    id_ = await scene.submit(["hold_the_gil", {"file": str(stuck)}])
    pid = await pid_in(stuck)
    following = await scene.submit(ECHO)

    began = time.monotonic()
    exit_code = scene.fleet.stop("one")

    assert exit_code == 0
    assert time.monotonic() - began < 5
    await gone(pid)
    for each in (id_, following):
        given_back = await scene.stores.analyses.get(each)
        assert (given_back.status, given_back.attempts) == ("queued", 0)
    scene.fleet.start("another")
    for each in (id_, following):
        assert (await scene.end_of(each)).attempts == 1


@pytest.mark.any_database
async def test_work_that_cannot_be_done_fails_with_a_reason_and_the_next_runs(
    scene, tmp_path
):
    scene.fleet.start("one")
    expected = {
        "crash": (3, "child_crashed", "after 3 attempts: .*signal 11"),
        "be_killed_for_memory": (3, "child_crashed", "after 3 .*out of memory"),
        "allocate_for_ever": (1, "out_of_memory", "more memory than it may use"),
        "fail": (1, "job_failed", "ZeroDivisionError"),
        "hold_the_gil": (1, "time_limit", "limit of 2 s"),
    }
    for unit, (attempts, code, reason) in expected.items():
        arguments = {"file": str(tmp_path / unit)} if unit == "hold_the_gil" else {}
        failed = await scene.end_of(await scene.submit([unit, arguments]))
        following = await scene.end_of(await scene.submit(ECHO))

        assert (failed.status, failed.attempts) == ("failed", attempts)
        assert failed.error.code == code
        assert re.search(reason, failed.error.message)
        assert following.status == "succeeded"


@pytest.mark.any_database
async def test_a_unit_is_repeated_after_a_crash_and_the_ones_before_are_not(
    scene, tmp_path
):
    scene.fleet.start("one")
    file, marker = tmp_path / "log", tmp_path / "marker"

    ended = await scene.end_of(
        await scene.submit(
            ["log", {"file": str(file), "line": "first"}],
            ["crash_once", {"file": str(marker)}],
        )
    )

    assert (ended.status, ended.attempts) == ("succeeded", 2)
    assert ended.result.notes == ["first", "survived"]
    assert file.read_text() == "first\n"


@pytest.mark.any_database
async def test_cancelling_what_runs_frees_the_worker_at_once(scene, tmp_path):
    stuck = tmp_path / "pid"
    scene.fleet.start("one")
    running = await scene.submit(["hold_the_gil", {"file": str(stuck)}])
    pid = await pid_in(stuck)
    queued = await scene.submit(["hold_the_gil", {"file": str(tmp_path / "never")}])
    following = await scene.submit(ECHO)

    await scene.stores.analyses.cancel(queued)
    began = time.monotonic()
    await scene.stores.analyses.cancel(running)
    await gone(pid)
    ended = await scene.end_of(following)

    assert time.monotonic() - began < 1.5
    assert ended.status == "succeeded"
    assert not (tmp_path / "never").exists()
    for id_ in (running, queued):
        assert (await scene.stores.analyses.get(id_)).status == "cancelled"


@pytest.mark.any_database
async def test_deleting_what_runs_stops_it(scene, tmp_path):
    stuck = tmp_path / "pid"
    scene.fleet.start("one")
    running = await scene.submit(["hold_the_gil", {"file": str(stuck)}])
    pid = await pid_in(stuck)

    assert await scene.stores.analyses.delete(running)

    await gone(pid)
    assert (await scene.end_of(await scene.submit(ECHO))).status == "succeeded"


@pytest.mark.any_database
async def test_a_worker_gets_ready_while_it_beats(storage):
    # A beat that holds SQLite's write lock must not meet the engine's launch.
    async with scene_on(storage, beat_seconds=0.001) as scene:
        scene.fleet.start("one")

        ended = await scene.end_of(await scene.submit(ECHO), seconds=15)

    assert ended.status == "succeeded"


@pytest.mark.any_database
async def test_progress_can_be_watched(storage):
    async with scene_on(storage) as scene:
        scene.fleet.start("one")
        id_ = await scene.submit(["count", {"total": 10, "seconds": 0.1}])
        seen = set()
        while (analysis := await scene.stores.analyses.get(id_)).finished_at is None:
            seen.add((analysis.progress.phase, analysis.progress.total))
            await asyncio.sleep(0.05)

    assert ("count", 10) in seen


async def test_work_that_the_engine_lost_is_found_again(scene, storage):
    table = "workflow_status" if storage.is_sqlite else "dbos.workflow_status"
    forgotten, dropped = await scene.submit(ECHO), await scene.submit(ECHO)
    done = await scene.stores.analyses.cancel(await scene.submit(ECHO))
    ended = "UPDATE {} SET status = 'ERROR' WHERE workflow_uuid IN ('{}', '{}')"
    async with scene.stores.sessions.writing() as session:
        forget = f"DELETE FROM {table} WHERE workflow_uuid = '{forgotten}'"
        await session.execute(text(forget))
        await session.execute(text(ended.format(table, dropped, done.id)))

    scene.fleet.start("one")

    assert (await scene.end_of(forgotten)).status == "succeeded"
    assert (await scene.end_of(dropped)).status == "succeeded"
    async with scene.stores.sessions.reading() as session:
        left = f"SELECT count(*) FROM {table} WHERE workflow_uuid = '{done.id}'"
        assert (await session.execute(text(left))).scalar() == 0


@pytest.fixture
def breakable_postgres():
    """A server of its own: the databases of other tests would take long to recover."""
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        server = PostgresServer(Path(folder))
        yield server
        server.stop()


@pytest.mark.parametrize(
    "outage_seconds",
    [2, *(pytest.param(seconds, marks=[pytest.mark.faults]) for seconds in (0, 6))],
)
async def test_work_goes_on_after_postgresql_was_gone(
    breakable_postgres, tmp_path, outage_seconds
):
    settings = await asyncio.to_thread(create_postgresql, breakable_postgres)
    async with scene_on(settings) as scene:
        scene.fleet.start("one", "two")
        file = tmp_path / "log"
        ids = [
            await scene.submit(
                ["nap", {"seconds": 1}],
                ["log", {"file": str(file), "line": number}],
            )
            for number in range(6)
        ]
        while not (await scene.stores.analyses.page(status="running")).items:
            await asyncio.sleep(0.1)

        breakable_postgres.crash()
        await asyncio.sleep(outage_seconds)
        breakable_postgres.start()

        ended = [await scene.end_of(id_, 60) for id_ in ids]

    assert [each.error for each in ended] == [None] * len(ids)
    assert {each.status for each in ended} == {"succeeded"}
    assert max(each.attempts for each in ended) <= 2
    assert len(set(file.read_text().split())) == len(ids)
