"""Whether programs of two versions work side by side on one database, and give way.

The earlier version has work queued and one worker; the database is migrated under it, a
worker of this version joins, and both versions go on accepting. Then the earlier worker
is told to stop. Each analysis is two units: it sleeps, then leaves its name in a file.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from storage.config import StorageSettings
from tests.support.databases import PostgresServer
from tests.support.fleet import ROOT, Fleet
from tests.support.storages import open_stores

NUM_EACH = 20
PATIENCE_SECONDS = 180.0
SUBMIT = """
import asyncio, json, sys
from storage.config import StorageSettings
from storage.analyses.records import NewAnalysis
from tests.support.storages import open_stores

async def submit(specs):
    async with open_stores(StorageSettings()) as stores:
        for spec in specs:
            created, _ = await stores.analyses.create(NewAnalysis("architecture", spec))
            print(created.id)

asyncio.run(submit(json.loads(sys.argv[1])))
"""


def main():
    parser = argparse.ArgumentParser(prog="bench.rolling_upgrade")
    parser.add_argument("--earlier", required=True, help="a revision of this project")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gh-") as name:
        folder = Path(name)
        earlier = folder / "earlier"
        git = ["git", "-C", ROOT, "worktree"]
        subprocess.run([*git, "add", "--detach", earlier, options.earlier], check=True)
        server = PostgresServer(folder / "pg")
        try:
            url = server.create_database()
            for store, storage in (
                ("PostgreSQL", StorageSettings(database_url=url)),
                ("SQLite", StorageSettings(data_dir=folder, database_url=None)),
            ):
                tell(store, *upgrade(storage, earlier, folder / f"{store} names"))
        finally:
            server.stop()
            subprocess.run([*git, "remove", "--force", earlier], check=True)


def upgrade(storage, earlier, log):
    """The analyses at the end, and the names they left."""
    log.touch()
    python(earlier, storage, "-m", "gradhealth.cli", "migrate")
    ids = submitted(earlier, storage, log, "before")
    with Fleet(storage, root=earlier) as old, Fleet(storage) as new:
        old.start("worker-1")
        python(ROOT, storage, "-m", "gradhealth.cli", "migrate")
        new.start("worker-2")
        ids += submitted(earlier, storage, log, "beside, old")
        ids += submitted(ROOT, storage, log, "beside, new")
        old.stop("worker-1")
        new.start("worker-1")
        ids += submitted(ROOT, storage, log, "after")
        return asyncio.run(ends(storage, ids)), log.read_text().splitlines()


def submitted(root, storage, log, name):
    """Queue some by the version at that place; their ids."""
    specs = [
        {
            "units": [
                ["nap", {"seconds": 0.2}],
                ["log", {"file": str(log), "line": f"{name} {number}"}],
            ]
        }
        for number in range(NUM_EACH)
    ]
    return python(root, storage, "-c", SUBMIT, json.dumps(specs)).split()


def python(root, storage, *arguments):
    """What a program of the version at that place prints."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "GRADHEALTH_DATABASE_URL": storage.sync_url,
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


async def ends(storage, ids):
    """The analyses when they have ended, or when the patience has."""
    async with open_stores(storage) as stores:
        for id_ in ids:
            await stores.analyses.wait(id_, PATIENCE_SECONDS)
        return [await stores.analyses.get(id_) for id_ in ids]


def tell(store, analyses, names):
    """Print a line for the store."""
    statuses = Counter(each.status for each in analyses)
    attempts = Counter(each.attempts for each in analyses)
    print(
        f"{store:10} {dict(statuses)}, attempts {dict(attempts)}, "
        f"{len(names)} names left, {len(names) - len(set(names))} of them twice",
        flush=True,
    )


if __name__ == "__main__":
    main()
