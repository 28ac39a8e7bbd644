"""A backup while work is queued and running, restored into an empty place."""

import asyncio
import os
import stat
import sys

import pytest

from storage.access.keys import KeyStore
from storage.analyses.records import NewAnalysis
from storage.config import StorageSettings
from storage.database.backups import BackupError, back_up, restore
from tests.support.fleet import Fleet
from tests.support.results import a_result
from tests.support.storages import open_stores

ECHO = {"units": [["echo", {"value": 1}]]}
IMPATIENT = {"beat_seconds": 0.3, "dead_after_seconds": 1}


@pytest.fixture
def empty(storage, request, tmp_path):
    """A database of the same kind without tables."""
    if storage.is_sqlite:
        return StorageSettings(data_dir=tmp_path / "elsewhere", database_url=None)
    url = request.getfixturevalue("postgres").create_database()
    return StorageSettings(database_url=url)


@pytest.fixture(autouse=True)
def programs(storage, request, monkeypatch):
    """PostgreSQL's own programs can be found."""
    if not storage.is_sqlite:
        programs = request.getfixturevalue("postgres").programs
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


async def run(command, file, storage):
    """Runs the command as a process, to its good end."""
    environment = {**os.environ, "GRADHEALTH_DATABASE_URL": storage.sync_url}
    program = [sys.executable, "-m", "storage.database.backup_commands", command, file]
    process = await asyncio.create_subprocess_exec(*program, env=environment)
    assert await process.wait() == 0


async def fill(stores):
    """A finished, a running and two queued analyses, and a key."""
    new = NewAnalysis(kind="architecture", spec=ECHO)
    finished = await stores.analyses.create_finished(new, a_result())
    others = [await stores.analyses.create(new) for _ in range(3)]
    await stores.claims("gone").begin(others[0].id)
    key = await KeyStore(stores.sessions).create(
        project="default", name="", scopes=("read",)
    )
    return finished, [each.id for each in others], key


async def test_restored_elsewhere_nothing_is_missing_and_queued_work_runs_on(
    storage, empty, tmp_path
):
    file = tmp_path / "backup"
    async with open_stores(storage) as stores:
        finished, others, key = await fill(stores)
        await run("backup", file, storage)
        for id_ in others:
            await stores.analyses.cancel(id_)

    await run("restore", file, empty)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    async with open_stores(empty) as stores:
        assert repr(await stores.analyses.get(finished.id)) == repr(finished)
        assert await KeyStore(stores.sessions).open(key) is not None
        with Fleet(empty, **IMPATIENT) as fleet:
            fleet.start("another")
            for id_ in others:
                await stores.analyses.wait(id_, 60)
        ended = [await stores.analyses.get(id_) for id_ in others]
    assert [each.status for each in ended] == ["succeeded"] * 3


def test_what_is_there_is_never_overwritten(storage, tmp_path):
    file = tmp_path / "backup"
    back_up(storage, file)
    before = file.read_bytes()

    for act in (back_up, restore):
        with pytest.raises(BackupError, match="exists"):
            act(storage, file)

    assert file.read_bytes() == before
    assert [*tmp_path.iterdir()] == [file]


def test_what_is_no_backup_is_not_restored(empty, tmp_path):
    (tmp_path / "text").write_text("no backup")

    with pytest.raises(BackupError):
        restore(empty, tmp_path / "text")

    if empty.is_sqlite:
        assert not any(empty.data_dir.iterdir())


def test_without_the_programs_it_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BackupError, match="postgresql-client"):
        back_up(StorageSettings(database_url="postgresql://u@h/d"), tmp_path / "file")

    assert not any(tmp_path.iterdir())
