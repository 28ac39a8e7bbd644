"""Every route, with a foreign key and with none."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from fastapi import Depends

from service.access.authentication import requires
from storage.access.keys import KeyStore
from tests.support.calls import CALLS, LOG, OPERATORS, PUBLIC, RUN, call, operations
from tests.support.requests import SPEC, body, finish

OWNER, STRANGER = "owned-by-sentinel", "stranger"
UNKNOWN = {
    "analysis_id": "0" * 32,
    "other_id": "1" * 32,
    "project": "nobodys",
    "run_id": "0" * 32,
    "other_run_id": "1" * 32,
    "webhook_id": "0" * 32,
    "delivery_id": "msg_0",
}


def bearer(key):
    return {"Authorization": f"Bearer {key.text}"}


@pytest.fixture
async def keys(stores):
    """A key with all but `admin` for two projects."""
    store = KeyStore(stores.sessions)

    async def make(project, *scopes):
        scopes = scopes or ("read", "write")
        return bearer(await store.create(project=project, name="", scopes=scopes))

    return SimpleNamespace(
        owner=await make(OWNER), stranger=await make(STRANGER), make=make, store=store
    )


@pytest.fixture
async def theirs(api, stores, keys):
    """The ids of what the owner has; "sentinel" is in everything that is theirs."""
    request = body(
        spec={**SPEC, "name": "sentinel"},
        labels={"sentinel": "sentinel", "commit": "1"},
    )
    webhook = {"url": "https://sentinel.invalid/"}
    answer = await api.post("/v1/webhooks", json=webhook, headers=keys.owner)
    webhook_id = answer.json()["id"]
    ids = []
    for _ in range(2):
        answer = await api.post("/v1/analyses", json=request, headers=keys.owner)
        assert answer.json()["project"] == OWNER
        ids.append(answer.json()["id"])
        await finish(stores, ids[-1], summary="sentinel")
    runs = []
    for _ in range(2):
        run = await api.post("/v1/runs", json=RUN, headers=keys.owner)
        assert run.json()["project"] == OWNER
        runs.append(run.json()["id"])
    answer = await api.get(f"/v1/webhooks/{webhook_id}/deliveries", headers=keys.owner)
    return {
        "webhook_id": webhook_id,
        "delivery_id": answer.json()["items"][0]["id"],
        "analysis_id": ids[0],
        "other_id": ids[1],
        "project": OWNER,
        "run_id": runs[0],
        "other_run_id": runs[1],
    }


@pytest.fixture
async def walk(app):
    return operations(app)


async def test_every_operation_is_known(walk):
    unknown = {name for name, _, _ in walk} - CALLS.keys() - PUBLIC

    assert not unknown, f"say in tests/support/calls.py how to call {unknown}"
    assert CALLS.keys() | PUBLIC == {name for name, _, _ in walk}


async def test_what_asks_for_a_key_gets_one(api, walk, theirs, keys):
    for operation in walk:
        if operation[0] not in PUBLIC:
            for headers in ({}, {"Authorization": "Bearer gh_live_no_key"}):
                answer = await call(api, operation, theirs, headers)

                assert answer.status_code == 401, operation
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["type"] == "urn:gradhealth:problem:no-key"


async def test_the_owner_is_served(api, walk, theirs, keys):
    operator = await keys.make("operations", "admin")

    for operation in walk:
        if operation[0] not in PUBLIC:
            key = operator if operation[0] in OPERATORS else keys.owner
            answer = await call(api, operation, theirs, key)

            assert answer.status_code < 400, (operation, answer.text)


async def test_to_strangers_nothing_of_it_exists(api, walk, theirs, keys):
    for operation in walk:
        answer = await call(api, operation, theirs, keys.stranger)
        nothing = await call(api, operation, UNKNOWN, keys.stranger)

        assert "sentinel" not in answer.text, operation
        assert answer.status_code == nothing.status_code, operation
        if "{" in operation[2]:
            assert told(answer, theirs) == told(nothing, UNKNOWN), operation
    answer = await api.get(f"/v1/analyses/{theirs['analysis_id']}", headers=keys.owner)
    assert answer.json()["status"] == "succeeded"


def told(answer, ids):
    text = answer.text
    for each in ids.values():
        text = text.replace(each, "...")
    return text


async def test_a_key_may_do_what_its_scopes_say(api, walk, theirs, keys):
    reads, writes = await keys.make(OWNER, "read"), await keys.make(OWNER, "write")

    for operation in walk:
        if operation[0] not in PUBLIC:
            wrong = writes if operation[1] == "get" else reads
            answer = await call(api, operation, theirs, wrong)

            assert answer.status_code == 403, operation
            assert answer.json()["type"] == "urn:gradhealth:problem:missing-scope"


async def test_an_operators_route_needs_the_scope_admin(app, api, keys):
    @app.get("/v1/all-there-is", dependencies=[Depends(requires("admin"))])
    async def read_all_there_is() -> str:
        return "all"

    admin = await keys.make("operations", "admin")

    for operation in operations(app):
        if operation[0] in OPERATORS:
            answers = [
                await call(api, operation, {}, key) for key in (keys.owner, admin)
            ]
            assert [answer.status_code for answer in answers] == [403, 200]
    assert (await api.get("/v1/all-there-is")).status_code == 401
    answer = await api.get("/v1/all-there-is", headers=keys.owner)
    assert answer.status_code == 403
    assert (await api.get("/v1/all-there-is", headers=admin)).json() == "all"


async def test_writing_to_another_project_is_refused_whether_it_exists(api, keys):
    for project in (OWNER, "nobodys"):
        request = body(project=project)
        answer = await api.post("/v1/analyses", json=request, headers=keys.stranger)

        assert answer.status_code == 403
        assert answer.json()["detail"].startswith(
            f"the key opens the project {STRANGER!r}"
        )


@pytest.mark.parametrize("project", ["default", STRANGER])
async def test_default_means_the_keys_own_project(api, keys, project):
    request = body(project=project, labels={"test": project})
    answer = await api.post("/v1/analyses", json=request, headers=keys.stranger)
    found = await api.get(
        f"/v1/analyses?project={project}&label=test:{project}", headers=keys.stranger
    )

    assert answer.json()["project"] == STRANGER
    assert [each["id"] for each in found.json()["items"]] == [answer.json()["id"]]


async def test_idempotency_keys_of_two_projects_do_not_meet(api, keys):
    first, second, again = [
        await api.post(
            "/v1/analyses", json=request, headers={**key, "Idempotency-Key": "same"}
        )
        for key, request in (
            (keys.owner, body()),
            (keys.stranger, body(labels={"an": "other"})),
            (keys.owner, body()),
        )
    ]

    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == again.json()["id"] != second.json()["id"]


async def test_nor_do_those_of_their_logs(api, keys):
    first, second, again = [
        await api.post(
            "/v1/traces", content=LOG, headers={**key, "Idempotency-Key": "same log"}
        )
        for key in (keys.owner, keys.stranger, keys.owner)
    ]

    assert first.json()["id"] == again.json()["id"] != second.json()["id"]


async def test_a_cursor_of_another_project_leads_nowhere_else(api, keys):
    for _ in range(2):
        await api.post("/v1/analyses", json=body(), headers=keys.owner)
    page = await api.get("/v1/analyses?limit=1", headers=keys.owner)
    query = {"cursor": page.json()["next_cursor"]}

    answer = await api.get("/v1/analyses", params=query, headers=keys.stranger)

    assert {each["project"] for each in answer.json()["items"]} <= {STRANGER}


async def test_revoked_and_expired_keys_open_nothing(api, keys):
    rotated = await keys.store.create(project="p", name="", scopes=["read"])
    successor = await keys.store.rotate(rotated.id, overlap=timedelta())
    revoked = await keys.store.create(project="p", name="", scopes=["read"])
    await keys.store.revoke(revoked.id)

    statuses = [
        (await api.get("/v1/analyses", headers=bearer(key))).status_code
        for key in (rotated, revoked, successor)
    ]

    assert statuses == [401, 401, 200]
