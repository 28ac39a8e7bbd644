"""What service and worker write down, as JSON, from real processes."""

import json
import re

import httpx
import pytest

from storage.access.keys import KeyStore
from tests.support.databases import create_sqlite
from tests.support.programs import Programs
from tests.support.requests import body
from tests.support.storages import open_stores

FOUND = {"request_id": "build-42"}


@pytest.fixture
def database(tmp_path):
    return create_sqlite(tmp_path)


@pytest.fixture
async def story(database, tmp_path):
    """(secrets, id of an analysis that failed, logs of service and worker)."""
    async with open_stores(database) as stores:
        key = await KeyStore(stores.sessions).create(
            project="vision", name="", scopes=["read", "write"]
        )
    settings = {"log_format": "json", "log_level": "DEBUG", "max_attempts": 2}
    with Programs(database, tmp_path, **settings) as programs:
        programs.start("service", "worker")
        url, *_ = programs.urls()
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            cookie, analysis_id = await tell(client, key)
        programs.stop("worker")
        programs.stop("service")
        yield (
            [key.text, key.text.rpartition("_")[2], cookie],
            analysis_id,
            {name: programs.log(name) for name in ("service", "worker")},
        )


async def tell(client, key):
    """Uses the secrets in every way, rightly and wrongly."""
    crash = body()
    crash["spec"] = {**crash["spec"], "name": "crash"}
    headers = {"Authorization": f"Bearer {key.text}"}
    answer = await client.post(
        "/v1/analyses?wait=50",
        json=crash,
        headers={**headers, "X-Request-ID": FOUND["request_id"]},
    )
    assert answer.json()["status"] == "failed", answer.text
    await client.get(f"/v1/analyses/{key.text}", headers=headers)
    await client.get("/v1/analyses", headers={"Authorization": key.text})
    await client.post("/v1/analyses", headers={"X-Request-ID": key.text})
    origin = {"Origin": str(client.base_url).rstrip("/")}
    answer = await client.post("/sign-in", data={"key": key.text}, headers=origin)
    cookie = answer.cookies["gradhealth"]
    await client.get(f"/v1/{cookie}?key={key.text}")
    await client.post(f"/v1/{key.text}")
    return cookie, (await client.get("/v1/analyses", headers=headers)).json()["items"][
        0
    ]["id"]


async def test_every_line_is_an_object_with_ids_and_no_secret(story):
    secrets, analysis_id, logs = story
    lines = {
        name: [json.loads(line) for line in log.splitlines()]
        for name, log in logs.items()
    }

    for line in [*lines["service"], *lines["worker"]]:
        assert {"timestamp", "level", "logger", "message"} <= line.keys()
    for secret in secrets:
        assert secret not in logs["service"] + logs["worker"]
    of_request = [line for line in lines["service"] if FOUND.items() <= line.items()]
    assert [(line["message"], line["analysis_id"]) for line in of_request] == [
        ("POST /v1/analyses 200", analysis_id)
    ]
    of_analysis = [
        line["message"]
        for line in lines["worker"]
        if line.get("analysis_id") == analysis_id
    ]
    assert of_analysis[0] == "attempt 1 begins"
    assert re.match(
        "failed: gave up after 2 attempts: the training process", of_analysis[-1]
    )
