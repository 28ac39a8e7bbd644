import httpx
import pytest
from sqlalchemy import make_url

from service.app import create_app
from service.config import ServiceSettings
from storage.config import StorageSettings
from tests.service.conftest import SMALL_BODY
from tests.support.apis import open_api
from tests.support.databases import create_postgresql
from tests.support.requests import SPEC, body

JSON = {"Content-Type": "application/json"}


def assert_problem(answer, status, kind):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"] == f"urn:gradhealth:problem:{kind}"
    assert problem["title"]
    assert problem["detail"]
    return problem


async def chunks(size):
    for _ in range(size // 1000):
        yield b"[" * 1000


@pytest.mark.parametrize(
    ("text", "status", "kind"),
    [
        ("", 400, "malformed-json"),
        ('{"kind": "archi', 400, "malformed-json"),
        ('{"kind": NaN}', 400, "malformed-json"),
        ('{"kind": -Infinity}', 400, "malformed-json"),
        (b'{"kind": "\xff"}', 400, "malformed-json"),
        ('{"a":' * 1000 + "1" + "}" * 1000, 400, "malformed-json"),
        ("[]", 422, "invalid-document"),
        ('{"kind": "architecture", "spec": {"x": 1e999}}', 422, "invalid-document"),
        ('{"kind": "x\\u0000", "spec": {}}', 422, "invalid-document"),
        ('{"spec": {}}', 422, "invalid-document"),
        ('{"kind": "architectural", "spec": {}}', 422, "invalid-document"),
        ('{"kind": "architecture"}', 422, "invalid-document"),
        ('{"kind": "architecture", "spec": []}', 422, "invalid-document"),
        ('{"kind": "architecture", "spec": {}}', 422, "invalid-document"),
    ],
)
async def test_an_unusable_body_is_a_problem(api, text, status, kind):
    answer = await api.post("/v1/analyses", content=text, headers=JSON)

    problem = assert_problem(answer, status, kind)
    assert problem["errors"]
    assert all(error["message"] for error in problem["errors"])


async def test_an_unknown_key_is_named_with_the_nearest_one(api):
    answer = await api.post("/v1/analyses", json=body(optoins={}))

    problem = assert_problem(answer, 422, "invalid-document")
    (error,) = problem["errors"]
    assert error["pointer"] == "/optoins"
    assert "did you mean 'options'?" in error["message"]


async def test_at_most_twenty_errors_are_listed(api):
    labels = {f"label{number}": number for number in range(16)}
    spec = {"model": [{"type": "Linear", "out_features": "x"}] * 50}

    for wrong in (body(labels=labels), body(spec=spec)):
        answer = await api.post("/v1/analyses", json=wrong)
        problem = assert_problem(answer, 422, "invalid-document")
        assert len(problem["errors"]) <= 20


async def test_a_body_of_another_kind_is_refused(api):
    answer = await api.post("/v1/analyses", content="kind=architecture")
    assert_problem(answer, 400, "malformed-json")

    answer = await api.post("/v1/analyses", data={"kind": "architecture"})
    assert_problem(answer, 415, "unsupported-media-type")


async def test_a_body_that_is_declared_too_large_is_refused(api):
    answer = await api.post(
        "/v1/analyses", content=b" " * (SMALL_BODY + 1), headers=JSON
    )

    assert_problem(answer, 413, "body-too-large")


async def test_a_body_that_turns_out_too_large_is_refused(api):
    answer = await api.post(
        "/v1/analyses", content=chunks(10 * SMALL_BODY), headers=JSON
    )

    assert_problem(answer, 413, "body-too-large")


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "no-such-address"),
        ("GET", "/v1/analyses/unknown", 404, "not-found"),
        ("POST", "/v1/analyses/unknown/cancel", 404, "not-found"),
        ("DELETE", "/v1/analyses/unknown", 404, "not-found"),
        ("PUT", "/v1/analyses", 405, "method-not-allowed"),
        ("GET", "/v1/analyses/a%00b", 422, "invalid-parameter"),
        ("GET", "/v1/analyses/unknown?wait=61", 422, "invalid-parameter"),
        ("GET", "/v1/analyses?limit=0", 422, "invalid-parameter"),
        ("GET", "/v1/analyses?status=done", 422, "invalid-parameter"),
        ("GET", "/v1/analyses?label=main", 422, "invalid-parameter"),
        ("GET", "/v1/analyses?project=%00", 422, "invalid-parameter"),
        ("GET", "/v1/analyses?verdicts=healthy", 422, "invalid-parameter"),
        ("GET", "/v1/analyses?cursor=zzz", 422, "invalid-document"),
    ],
)
async def test_a_wrong_request_is_a_problem(api, method, path, status, kind):
    assert_problem(await api.request(method, path), status, kind)


async def test_what_a_method_may_be_is_said(api):
    answer = await api.put("/v1/analyses")

    assert answer.headers["allow"]


async def test_an_error_of_ours_is_a_problem_that_names_the_request(app):
    @app.get("/broken")
    async def broken():
        raise ZeroDivisionError

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost"
    ) as api:
        answer = await api.get("/broken", headers={"X-Request-ID": "abc"})

    problem = assert_problem(answer, 500, "internal-error")
    assert "abc" in problem["detail"]
    assert answer.headers["x-request-id"] == "abc"


async def test_without_its_database_it_asks_to_come_back_later():
    nowhere = StorageSettings(database_url="postgresql://u:secret@127.0.0.1:9/none")
    app = create_app(ServiceSettings(), nowhere)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as api,
    ):
        answers = [
            await api.post("/v1/analyses", json=body()),
            await api.get("/v1/analyses"),
        ]
        ready = await api.get("/readyz")

    for answer in answers:
        problem = assert_problem(answer, 503, "database-unavailable")
        assert answer.headers["retry-after"]
        assert "secret" not in problem["detail"]
    assert ready.status_code == 503
    assert ready.json()["database"] == "unavailable"


async def test_a_server_that_can_only_be_read_says_so_and_is_read(postgres):
    storage = create_postgresql(postgres)
    read_only = make_url(storage.database_url).update_query_dict(
        {"options": "-c default_transaction_read_only=on"}
    )
    address = read_only.render_as_string(hide_password=False)
    app = create_app(ServiceSettings(), StorageSettings(database_url=address))

    async with open_api(app) as api:
        refused = await api.post("/v1/analyses", json=body())
        listed = await api.get("/v1/analyses")

    problem = assert_problem(refused, 503, "database-unavailable")
    assert "only be read" in problem["detail"]
    assert listed.status_code == 200


async def test_the_limits_of_a_spec_are_settings(storage):
    app = create_app(ServiceSettings(max_steps=10), storage)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as api,
    ):
        spec = {**SPEC, "training": {"steps": 11}}
        answer = await api.post("/v1/analyses", json=body(spec=spec))

    problem = assert_problem(answer, 422, "invalid-document")
    assert problem["errors"][0]["pointer"] == "/spec/training/steps"


async def test_a_wrong_method_is_told_all_that_the_address_knows(api):
    several = await api.options("/v1/analyses/unknown")
    single = await api.put("/v1/analyses/unknown/cancel")

    assert (several.headers["allow"], single.headers["allow"]) == (
        "DELETE, GET",
        "POST",
    )
