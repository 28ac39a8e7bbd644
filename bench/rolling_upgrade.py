"""Whether programs of two versions work side by side on one database, and give way.

The earlier version has work queued and one worker; the database is migrated under it, a
service and a worker of this version join, and both versions go on accepting. Then the
earlier ones are told to stop. Each analysis is two units: it sleeps, then leaves its
name in a file. Both versions are talked to by HTTP alone, which stays as it is.
"""

import argparse
import contextlib
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import httpx

from bench.load.servers import UNLIMITED, gradhealth, running_service
from storage.config import StorageSettings
from tests.support import named_analysis
from tests.support.databases import PostgresServer
from tests.support.fleet import ROOT, Fleet

NUM_EACH = 20
PATIENCE_SECONDS = 60
SPEC = {"data": {"task": "clusters"}, "model": [{"type": "Linear", "out_features": 4}]}


def main():
    parser = argparse.ArgumentParser(prog="bench.rolling_upgrade")
    parser.add_argument("--earlier", required=True, help="a revision of this project")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gh-") as name:
        folder = Path(name)
        with checked_out(options.earlier, folder / "earlier") as earlier:
            server = PostgresServer(folder / "pg")
            try:
                on_postgresql = StorageSettings(database_url=server.create_database())
                names = folder / "names on PostgreSQL"
                tell("PostgreSQL", *upgrade(on_postgresql, earlier, names))
            finally:
                server.stop()
            on_sqlite = StorageSettings(data_dir=folder, database_url=None)
            tell("SQLite", *upgrade(on_sqlite, earlier, folder / "names on SQLite"))


@contextlib.contextmanager
def checked_out(revision, folder):
    """A version of the project, with the analysis that its workers are to run."""
    git = ["git", "-C", ROOT, "worktree"]
    subprocess.run([*git, "add", "--detach", folder, revision], check=True)
    shutil.copy(named_analysis.__file__, folder / "tests/support")
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", folder], check=True)


def upgrade(storage, earlier, names):
    """The analyses at the end, and the names they left."""
    names.touch()
    environment = UNLIMITED | {"GRADHEALTH_DATABASE_URL": storage.sync_url}
    gradhealth("migrate", environment=environment, root=earlier)
    with workers(storage, earlier, names) as old, workers(storage, ROOT, names) as new:
        with running_service(environment, root=earlier) as server:
            ids = submit(server, "before")
            old.start("worker-1")
            gradhealth("migrate", environment=environment)
            new.start("worker-2")
            ids += submit(server, "beside, old")
            with running_service(environment) as newer:
                ids += submit(newer, "beside, new")
        old.stop("worker-1")
        new.start("worker-1")
        with running_service(environment) as server:
            ids += submit(server, "after")
            return ends(server, ids), names.read_text().splitlines()


def workers(storage, root, names):
    """Those of the version at that place."""
    module = named_analysis.__name__
    return Fleet(storage, root=root, analysis_module=module, names_file=names)


def submit(server, name):
    """Queue some by a service; their ids."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE_SECONDS) as client:
        answers = [
            client.post(
                "/v1/analyses",
                json={
                    "kind": "architecture",
                    "spec": {**SPEC, "name": f"{name} {number}"},
                },
            )
            for number in range(NUM_EACH)
        ]
    return [answer.raise_for_status().json()["id"] for answer in answers]


def ends(server, ids):
    """The analyses when they have ended, or when the patience has."""
    with httpx.Client(base_url=server.url, timeout=2 * PATIENCE_SECONDS) as client:
        wait = {"wait": PATIENCE_SECONDS}
        return [client.get(f"/v1/analyses/{id_}", params=wait).json() for id_ in ids]


def tell(store, analyses, names):
    """Print a line for the store."""
    statuses = Counter(each["status"] for each in analyses)
    attempts = Counter(each["attempts"] for each in analyses)
    print(
        f"{store:10} {dict(statuses)}, attempts {dict(attempts)}, "
        f"{len(names)} names left, {len(names) - len(set(names))} of them twice",
        flush=True,
    )


if __name__ == "__main__":
    main()
