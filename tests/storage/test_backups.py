"""A backup while work is queued and running, restored into an empty place."""

import asyncio
import os
import stat
import subprocess
import sys

import pytest

from storage.config import StorageSettings
from storage.keys import KeyStore
from storage.records import NewAnalysis
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


@pytest.fixture
def command(request):
    def run(name, file, storage):
        path = os.environ["PATH"]
        if not storage.is_sqlite:
            programs = request.getfixturevalue("postgres").programs
            path = f"{programs}{os.pathsep}{path}"
        return subprocess.run(
            [sys.executable, "-m", "storage.backup_commands", name, file],
            env={
                **os.environ,
                "PATH": path,
                "GRADHEALTH_DATABASE_URL": storage.sync_url,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


async def fill(stores):
    """A finished, a running and two queued analyses, and a key."""
    new = NewAnalysis(kind="architecture", spec=ECHO)
    finished = await stores.analyses.create_finished(new, a_result())
    others = [(await stores.analyses.create(new))[0] for _ in range(3)]
    await stores.claims("gone").begin(others[0].id)
    key = await KeyStore(stores.sessions).create(
        project="default", name="", scopes=("read",)
    )
    return finished, [each.id for each in others], key


async def test_restored_elsewhere_nothing_is_missing_and_queued_work_runs_on(
    storage, empty, command, tmp_path
):
    file = tmp_path / "backup"
    async with open_stores(storage) as stores:
        finished, others, key = await fill(stores)
        done = await asyncio.to_thread(command, "backup", file, storage)
        assert done.returncode == 0, done.stderr
        for id_ in others:
            await stores.analyses.cancel(id_)

    restored = await asyncio.to_thread(command, "restore", file, empty)

    assert restored.returncode == 0, restored.stderr
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


def test_what_is_there_is_never_overwritten(storage, command, tmp_path):
    file = tmp_path / "backup"
    assert command("backup", file, storage).returncode == 0
    before = file.read_bytes()

    again, over = command("backup", file, storage), command("restore", file, storage)

    assert again.returncode == over.returncode == 1
    assert "exists" in again.stderr
    assert "exists" in over.stderr
    assert file.read_bytes() == before
    assert [*tmp_path.glob("*.unfinished")] == []


def test_what_is_no_backup_is_not_restored(empty, command, tmp_path):
    (tmp_path / "text").write_text("no backup")

    done = command("restore", tmp_path / "text", empty)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    if empty.is_sqlite:
        assert not any(empty.data_dir.iterdir())
