import pytest


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost:1", "LOCALHOST", "[::1]:8000"]
)
async def test_names_of_this_machine_are_allowed(api, host):
    answer = await api.get("/healthz", headers={"Host": host})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.com", "127.0.0.1.evil.com", "localhost.", "", "[::2]:8000"]
)
async def test_other_names_are_refused(api, host):
    answer = await api.get("/healthz", headers={"Host": host})

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:gradhealth:problem:foreign-host"


async def test_the_services_own_pages_are_allowed(api):
    answer = await api.get("/healthz", headers={"Origin": "http://127.0.0.1:8000"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.com", "http://127.0.0.1:3000", "null", "http://[", ""]
)
async def test_foreign_pages_are_refused(api, origin):
    answer = await api.post("/v1/analyses", json={}, headers={"Origin": origin})

    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:gradhealth:problem:foreign-origin"
    assert answer.headers["x-request-id"]
