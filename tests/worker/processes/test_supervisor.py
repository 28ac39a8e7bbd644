import asyncio
import os
import time
from pathlib import Path

import pytest

from gradhealth.exceptions import (
    ChildCrashedError,
    JobError,
    OutOfMemoryError,
)
from tests.support.processes import gone, parent_of, pid_in
from worker.config import WorkerSettings
from worker.processes.supervisor import Supervisor


@pytest.fixture
async def supervisor():
    started = Supervisor(
        WorkerSettings(
            units_module="tests.support.faulty_units", child_memory_mb=256, threads=1
        )
    )
    await started.start()
    yield started
    await started.stop()


async def test_units_reply(supervisor):
    async with supervisor.job() as job:
        assert await job.run("echo", {"value": [1, "a", None]}) == [1, "a", None]
        assert await job.run("echo", {"value": float("inf")}) == float("inf")


async def test_large_arguments_and_replies_pass(supervisor):
    value = "x" * 10_000_000

    async with supervisor.job() as job:
        assert await job.run("echo", {"value": value}) == value


async def test_progress_is_forwarded(supervisor):
    seen = []

    async with supervisor.job() as job:
        await job.run(
            "count", {"total": 4, "seconds": 0.12}, lambda *pair: seen.append(pair)
        )

    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


async def test_a_crash_is_explained_and_the_next_unit_runs(supervisor):
    async with supervisor.job() as job:
        with pytest.raises(ChildCrashedError, match=r"signal 11.*native code"):
            await job.run("crash", {})
        assert await job.run("echo", {"value": 1}) == 1


async def test_a_kill_from_outside_is_explained(supervisor):
    async with supervisor.job() as job:
        with pytest.raises(ChildCrashedError, match="ran out of memory"):
            await job.run("be_killed_for_memory", {})


async def test_the_memory_limit_holds_and_is_explained(supervisor):
    async with supervisor.job() as job:
        with pytest.raises(OutOfMemoryError, match="GRADHEALTH_CHILD_MEMORY_MB"):
            await job.run("allocate_for_ever", {})
        assert await job.run("echo", {"value": 1}) == 1


async def test_an_unexpected_error_is_a_job_error(supervisor):
    async with supervisor.job() as job:
        with pytest.raises(JobError, match="ZeroDivisionError: nothing to divide"):
            await job.run("fail", {})


async def test_a_job_stuck_in_native_code_is_killed_at_the_end(supervisor, tmp_path):
    file = tmp_path / "pid"
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with supervisor.job() as job, asyncio.timeout(0.5):
            await job.run("hold_the_gil", {"file": str(file)})

    assert time.monotonic() - began < 2
    await gone(int(file.read_text()))


async def test_jobs_do_not_share_a_process(supervisor, tmp_path):
    async with supervisor.job() as one, supervisor.job() as other:
        stuck = asyncio.create_task(
            one.run("hold_the_gil", {"file": str(tmp_path / "pid")})
        )
        assert await other.run("echo", {"value": 1}) == 1
        stuck.cancel()


async def test_a_dead_template_is_replaced(supervisor, tmp_path):
    file = tmp_path / "pid"
    async with supervisor.job() as job:
        stuck = asyncio.create_task(job.run("hold_the_gil", {"file": str(file)}))
        pid = await pid_in(file)
        os.kill(parent_of(pid), 9)
        with pytest.raises(ChildCrashedError, match="template"):
            await stuck

        await gone(pid)
        assert await job.run("echo", {"value": 1}) == 1


async def test_a_cancelled_fork_does_not_confuse_the_next(supervisor):
    async with supervisor.job() as job:
        cancelled = asyncio.create_task(job.run("echo", {"value": 1}))
        await asyncio.sleep(0)
        cancelled.cancel()

    async with supervisor.job() as job:
        assert await job.run("echo", {"value": 2}) == 2


async def test_secrets_stay_outside(monkeypatch):
    monkeypatch.setenv("GRADHEALTH_DATABASE_URL", "postgresql://u:secret@h/d")
    monkeypatch.setenv("PGPASSWORD", "secret")
    supervisor = Supervisor(WorkerSettings(units_module="tests.support.faulty_units"))

    async with supervisor.job() as job:
        names = await job.run("environment", {})
    await supervisor.stop()

    assert not [name for name in names if name.startswith(("GRADHEALTH_", "PG"))]


async def test_units_that_cannot_be_loaded_are_an_error_at_the_start():
    supervisor = Supervisor(WorkerSettings(units_module="no.such.module"))

    with pytest.raises(JobError, match="could not be started"):
        await supervisor.start()


# Before the start learns of its process, and one turn later.
@pytest.mark.parametrize("seconds", [0, 0.01])
async def test_who_gives_up_during_the_start_leaves_nothing_behind(seconds):
    supervisor = Supervisor(WorkerSettings(units_module="tests.support.faulty_units"))
    before = children()
    starting = asyncio.create_task(supervisor.start())
    while not (started := children() - before):
        await asyncio.sleep(0.001)

    if seconds:
        await asyncio.sleep(seconds)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    for pid in started:
        await gone(pid)


def children():
    """Processes that this one has started."""
    tasks = Path("/proc/self/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}
