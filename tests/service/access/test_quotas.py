import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from service.app import create_app
from service.config import ServiceSettings
from storage.access.keys import KeyStore
from storage.access.usage import count_work
from storage.config import StorageSettings
from storage.database.migrate import migrate
from tests.support.apis import open_api
from tests.support.requests import SPEC, body

THEORY = {"kind": "theory", "spec": {**SPEC, "input": {"shape": [16]}}}


@pytest.fixture
async def new_project(stores, storage):
    """Opens the service with limits, for a project that nobody had before."""

    @asynccontextmanager
    async def open_project(**limits):
        project = f"p{uuid.uuid4().hex}"
        key = await KeyStore(stores.sessions).create(
            project=project, name="", scopes=["read", "write"]
        )
        async with open_api(create_app(ServiceSettings(**limits), storage), key) as api:
            api.project = project
            yield api

    return open_project


async def test_within_the_limits_nobody_notices_them(new_project):
    async with new_project() as api:
        answers = [await api.post("/v1/analyses", json=body()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202] * 3


async def test_as_many_analyses_may_be_open(new_project):
    async with new_project(project_open_analyses=2) as api:
        answers = [await api.post("/v1/analyses", json=body()) for _ in range(3)]
        theory = await api.post("/v1/analyses", json=THEORY)

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["type"] == "urn:gradhealth:problem:queue-full"
    assert int(answers[2].headers["retry-after"]) >= 1
    assert theory.status_code == 200


async def test_a_day_of_work_is_used_up(new_project, stores):
    now = datetime.now(UTC)
    async with new_project(project_work_seconds=60) as api:
        async with stores.sessions.writing() as session:
            await count_work(session, api.project, now - timedelta(seconds=61), now)
        answer = await api.post("/v1/analyses", json=body())

    assert answer.status_code == 429
    assert answer.json()["type"] == "urn:gradhealth:problem:work-spent"
    assert 0 < int(answer.headers["retry-after"]) <= 86_400


async def test_what_is_stored_is_bounded_until_something_is_deleted(new_project):
    size = len(str(body()))
    async with new_project(project_stored_bytes=3 * size) as api:
        answers = [await api.post("/v1/analyses", json=body()) for _ in range(4)]
        for answer in answers[:3]:
            await api.delete(f"/v1/analyses/{answer.json().get('id')}")

    assert 409 in [answer.status_code for answer in answers]
    assert answers[-1].json()["type"] == "urn:gradhealth:problem:storage-full"
    assert "delete analyses" in answers[-1].json()["detail"]


async def test_logs_count_as_stored(new_project):
    log = b"\n".join([b'{"loss": 1.0, "grad_norm": 1.0}'] * 100)
    async with new_project(project_stored_bytes=3 * len(log)) as api:
        answers = [await api.post("/v1/traces", content=log) for _ in range(4)]
        for answer in answers[:3]:
            await api.delete(f"/v1/analyses/{answer.json().get('id')}")

    assert [answer.status_code for answer in answers][::3] == [201, 409]
    assert answers[-1].json()["type"] == "urn:gradhealth:problem:storage-full"


async def test_without_keys_there_are_no_limits(tmp_path):
    storage = StorageSettings(data_dir=tmp_path, database_url=None)
    await migrate(storage)
    strict = ServiceSettings(project_open_analyses=1, key_requests_per_minute=1)

    async with open_api(create_app(strict, storage)) as api:
        answers = [await api.post("/v1/analyses", json=body()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202] * 3
    assert "ratelimit" not in answers[-1].headers
