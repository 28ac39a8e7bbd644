"""Logs that are read in a training process."""

import io
import sqlite3
import tarfile
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest
import pytest_asyncio

from gradhealth.exceptions import OutOfMemoryError
from gradhealth.ingest import IngestError, IngestLimits, LogMapping, LogTooLargeError
from gradhealth.schemas.analysis import Options
from storage.uploads.content import Upload
from storage.uploads.readings import StoredLog
from worker.config import WorkerSettings
from worker.logs.analysis import analyse_log
from worker.processes.supervisor import Supervisor

# One template of processes for all of them.
pytestmark = pytest.mark.asyncio(loop_scope="module")
ROWS = [f'{{"step": {n}, "cost": {2.0 * 0.9**n}}}\n' for n in range(40)]
LINES = "".join(ROWS).encode()
SETTINGS = WorkerSettings(units_module="tests.support.log_units", child_memory_mb=256)
LIMITS = asdict(IngestLimits())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run_unit():
    supervisor = Supervisor(SETTINGS)

    async def run_confined(key, unit, arguments, **_):
        async with supervisor.job() as job:
            return await job.run(unit, arguments, lambda *pair: steps.append(pair))

    steps = run_confined.steps = []
    yield run_confined
    await supervisor.stop()


async def judge(run_unit, content, limits=LIMITS, told=(), **upload):
    mapping = LogMapping({"loss": "cost"})
    about = {"filename": "a.jsonl", "format_name": "auto", "mapping": mapping} | upload
    log = StoredLog(Upload(**about, num_bytes=len(content)), content)
    news = []

    async def report(each):
        news.append(each)

    runs = await analyse_log(log, limits, Options(), run_unit, report)
    return runs, news


async def test_a_log_is_judged_and_tells_how_far_it_is(run_unit):
    (run,), (phase, *_) = await judge(run_unit, LINES)

    assert run.name == "a.jsonl"
    assert run.result.curves["loss"].steps[-1] == 39
    assert run.traces
    assert phase.phase == "reading"
    assert run_unit.steps[-1] == (100, 100)


def packed(name, content):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return archive.getvalue()


async def test_an_archive_needs_no_file_on_the_disk(run_unit):
    long = LINES + b"\n" * IngestLimits().in_memory

    (run,), _ = await judge(run_unit, packed("log.jsonl", long))

    assert run.result.curves["loss"].steps[-1] == 39


async def test_nor_does_a_database(run_unit):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlflow.db"
        database = sqlite3.connect(path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE metrics (run_uuid, key, step INTEGER, value, is_nan)"
        )
        rows = [("r", "cost", n, 2.0 * 0.9**n, 0) for n in range(40)]
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?)", rows)
        database.commit()
        database.close()
        content = path.read_bytes()

    (run,), _ = await judge(run_unit, content, filename="mlflow.db")

    assert run.name == "r"


@pytest.mark.parametrize(
    ("content", "limits", "error"),
    [
        (b"no log", LIMITS, IngestError),
        (LINES, LIMITS | {"columns": 1}, LogTooLargeError),
    ],
)
async def test_what_cannot_be_read_says_why(run_unit, content, limits, error):
    with pytest.raises(error) as raised:
        await judge(run_unit, content, limits)

    assert type(raised.value) is error


async def test_too_little_memory_is_told_in_the_words_of_logs(run_unit):
    def in_need(key, unit, arguments, **more):
        return run_unit(key, "need_memory", arguments, **more)

    with pytest.raises(OutOfMemoryError, match="send fewer steps"):
        await judge(in_need, LINES)
