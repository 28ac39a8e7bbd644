"""The page's commands for a database in a container, with that container's programs."""

import asyncio
import os
import re
import subprocess

from storage.analyses.records import NewAnalysis
from storage.config import StorageSettings
from storage.database.migrate import migrate
from tests.support.pipelines import load
from tests.support.storages import open_stores
from tests.support.stories import DOCS

NAME = load("docker-compose.yml")["services"]["db"]["environment"]["POSTGRES_DB"]
DUMP, RESTORE = re.findall(
    r"^docker compose exec -T db (.*)$",
    (DOCS / "operations.md").read_text(),
    re.MULTILINE,
)


async def submit(settings):
    await migrate(settings)
    async with open_stores(settings) as stores:
        created = await stores.analyses.create(
            NewAnalysis(kind="architecture", spec={})
        )
        return created.id


async def status_of(settings, analysis_id):
    async with open_stores(settings) as stores:
        return (await stores.analyses.get(analysis_id)).status


def test_what_is_dumped_is_restored(postgres, tmp_path):
    settings = StorageSettings(database_url=postgres.create_owned(NAME))
    environment = {
        **os.environ,
        "PATH": f"{postgres.programs}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": settings.url.query["host"],
    }

    def run(command):
        subprocess.run(command, shell=True, check=True, cwd=tmp_path, env=environment)

    id_ = asyncio.run(submit(settings))
    run(DUMP)
    postgres.create_owned(NAME)
    run(RESTORE)

    assert asyncio.run(status_of(settings, id_)) == "queued"
