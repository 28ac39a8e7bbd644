"""Hostile units in the real training process: what they reach."""

import os
import socket
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gradhealth.exceptions import ChildCrashedError, OutOfMemoryError
from tests.support.processes import gone
from worker.config import WorkerSettings
from worker.processes.supervisor import Supervisor
from worker.processes.template import Template
from worker.processes.unit_server import Limits

SECRET = "postgresql://u:secret@h/d"


@pytest.fixture(scope="module", autouse=True)
def _secrets():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADHEALTH_DATABASE_URL", SECRET)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        yield


@pytest.fixture
async def supervisor():
    settings = WorkerSettings(
        units_module="tests.support.hostile_units", child_memory_mb=256, threads=1
    )
    started = Supervisor(settings)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def attempt(supervisor):
    """Lets a hostile unit try something; gives what came of it."""
    async with supervisor.job() as job:

        async def run(unit, **arguments):
            return await job.run(unit, arguments)

        yield run


async def test_this_kernel_grants_everything(supervisor):
    # Else what follows would be right to fail.
    assert supervisor.exposed == []


async def test_it_reaches_no_service_of_this_machine(attempt):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

        assert await attempt("connect", port=port) == {"refused": "PermissionError"}


async def test_it_sends_nothing_to_the_world(attempt):
    for host in ("127.0.0.1", "192.0.2.1"):
        answer = await attempt("send_datagram", host=host, port=53)

        assert answer == {"refused": "OSError"}
    assert await attempt("interfaces") == {"got": ["lo"]}


async def test_it_reaches_no_socket_by_name(attempt):
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind("\0gradhealth-test")
        server.listen()

        answer = await attempt("connect_abstract", name="gradhealth-test")

    assert "refused" in answer


async def test_its_environment_is_clean(attempt):
    environment = (await attempt("environment"))["got"]

    assert "secret" not in str(environment)
    assert not [name for name in environment if name.startswith(("GRADHEALTH", "PG"))]


async def test_it_does_not_see_into_other_processes(attempt):
    for pid in (os.getpid(), (await attempt("parent"))["got"]):
        for unit in ("read_environment", "read_memory", "send_signal"):
            assert await attempt(unit, pid=pid) == {"refused": "PermissionError"}, unit


async def test_it_reads_no_data_of_ours(attempt, tmp_path):
    database = tmp_path / "gradhealth.db"
    database.write_text("secret")
    checkout = Path(__file__).parents[3]
    for path in (database, "/etc/passwd", checkout / "README.md"):
        assert await attempt("read", path=str(path)) == {"refused": "PermissionError"}
    for path in (tmp_path, "/", Path.home()):
        answer = await attempt("list_folder", path=str(path))
        assert answer == {"refused": "PermissionError"}


async def test_it_writes_nothing_anywhere(attempt, tmp_path):
    for path in ("here", tmp_path / "there", "/dev/shm/there", "/proc/self/comm"):
        assert await attempt("write", path=str(path)) == {"refused": "PermissionError"}
    assert "refused" in await attempt("write_descriptor")


async def test_it_stands_in_an_empty_folder(attempt):
    assert await attempt("list_folder", path=".") == {"got": []}


async def test_its_open_files_are_bounded(attempt):
    assert await attempt("open_files") == {"refused": "OSError"}


async def test_its_limits_cannot_be_taken_back(attempt):
    assert await attempt("take_back_limits") == {
        "refused": "not allowed to raise maximum limit"
    }
    assert await attempt("become_root_again") == {"refused": "PermissionError"}


async def test_memory_it_shares_is_bounded_too(attempt):
    # By the kernel, or by whoever watches: it depends on who comes first.
    with suppress(OutOfMemoryError):
        assert await attempt("share_memory") == {"refused": "OSError"}


async def test_what_may_not_be_limited_by_the_kernel_is_watched():
    template = await Template.start("tests.support.faulty_units")
    limits = Limits(threads=1, cpu_seconds=60, memory_bytes=2**27, with_gpu=True)
    process = await template.fork(limits)

    with pytest.raises(OutOfMemoryError, match="GRADHEALTH_CHILD_MEMORY_MB"):
        await process.run("allocate_for_ever", {}, lambda *_: None)

    await process.kill()
    await template.stop()


async def test_its_processor_time_is_bounded():
    settings = WorkerSettings(
        units_module="tests.support.hostile_units", job_seconds=0.5
    )
    supervisor = Supervisor(settings)
    async with supervisor.job() as job:
        with pytest.raises(ChildCrashedError, match="GRADHEALTH_JOB_SECONDS"):
            await job.run("burn", {"seconds": 30})
    await supervisor.stop()


async def test_what_it_leaves_behind_ends_with_it(supervisor):
    async with supervisor.job() as job:
        pid = (await job.run("leave_a_process", {}))["got"]

    await gone(pid)


async def test_the_next_job_remembers_nothing(supervisor):
    async with supervisor.job() as job:
        await job.run("remember", {"what": "a spec of project A"})
        assert await job.run("recall", {}) == {"got": ["a spec of project A"]}

    async with supervisor.job() as job:
        assert await job.run("recall", {}) == {"got": []}
