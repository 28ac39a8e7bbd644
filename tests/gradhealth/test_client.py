import httpx
import pytest

from gradhealth.client import (
    Client,
    RefusedError,
    ServerUnreachableError,
    UnreadableKeyError,
    key_in,
)
from gradhealth.exceptions import Problem

ANALYSIS = {
    "id": "a1",
    "kind": "architecture",
    "status": "queued",
    "created_at": "2026-01-01T00:00:00Z",
    "links": {"self": "/v1/analyses/a1", "cancel": "/v1/analyses/a1/cancel"},
}


class FakeService(httpx.BaseTransport):
    """Answers with what it is given, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def handle_request(self, request):
        request.read()
        self.requests.append(request)
        return self.answers.pop(0)


def client(service):
    return Client("http://service", transport=service)


def test_a_spec_is_submitted_with_its_options_and_key():
    service = FakeService(httpx.Response(202, json=ANALYSIS))

    with client(service) as api:
        analysis = api.submit({"model": []}, idempotency_key="k", labels={"a": "b"})

    (request,) = service.requests
    assert analysis.status == "queued"
    assert request.headers["Idempotency-Key"] == "k"
    assert b'"spec":{"model":[]}' in request.content
    assert b'"labels":{"a":"b"}' in request.content


def test_following_ends_with_the_finished_analysis():
    states = ("queued", "running", "cancelled")
    answers = [httpx.Response(200, json={**ANALYSIS, "status": s}) for s in states]

    with client(FakeService(*answers)) as api:
        followed = [analysis.status for analysis in api.follow("a1")]

    assert followed == list(states)


def test_what_a_newer_service_adds_is_ignored():
    newer = {**ANALYSIS, "colour": "green"}

    with client(FakeService(httpx.Response(200, json=newer))) as api:
        assert api.get("a1").id == "a1"


def test_the_other_calls_reach_their_addresses():
    page = {"items": [ANALYSIS], "next_cursor": "c"}
    service = FakeService(
        httpx.Response(200, json=page),
        httpx.Response(200, json={**ANALYSIS, "status": "cancelled"}),
        httpx.Response(204),
    )

    with client(service) as api:
        listed = api.page(project="p", limit=1)
        cancelled = api.cancel("a1")
        api.delete("a1")

    asked = [f"{each.method} {each.url.raw_path.decode()}" for each in service.requests]
    assert listed.next_cursor == "c"
    assert cancelled.status == "cancelled"
    assert asked == [
        "GET /v1/analyses?project=p&limit=1",
        "POST /v1/analyses/a1/cancel",
        "DELETE /v1/analyses/a1",
    ]


def test_a_refusal_carries_the_single_mistakes():
    problem = {
        "detail": "/spec: wrong",
        "errors": [{"pointer": "/spec", "message": "wrong"}],
    }

    with (
        client(FakeService(httpx.Response(422, json=problem))) as api,
        pytest.raises(RefusedError, match="wrong") as caught,
    ):
        api.submit({})

    assert caught.value.status == 422
    assert caught.value.problems == [Problem("/spec", "wrong")]


def test_an_error_in_other_words_is_a_refusal_too():
    answer = httpx.Response(502, text="<html>bad gateway</html>")

    with (
        client(FakeService(answer)) as api,
        pytest.raises(RefusedError, match="502"),
    ):
        api.get("a1")


@pytest.mark.parametrize("server", ["http://127.0.0.1:9", "127.0.0.1:8000", "ftp://x"])
def test_a_service_that_is_not_there_is_named(server):
    with (
        Client(server) as api,
        pytest.raises(ServerUnreachableError, match=server),
    ):
        api.get("a1")


def test_following_waits_for_a_service_that_comes_back():
    outage = httpx.Response(503, json={"detail": "no database", "errors": []})
    done = httpx.Response(200, json={**ANALYSIS, "status": "cancelled"})

    with client(FakeService(outage, done)) as api:
        followed = [analysis.status for analysis in api.follow("a1")]

    assert followed == ["cancelled"]


def test_following_does_not_wait_for_what_was_deleted():
    gone = httpx.Response(404, json={"detail": "deleted?", "errors": []})

    with client(FakeService(gone)) as api, pytest.raises(RefusedError, match="404"):
        next(api.follow("a1"))


def test_another_service_at_the_address_is_told_apart():
    answer = httpx.Response(200, text="<html>welcome</html>")

    with (
        client(FakeService(answer)) as api,
        pytest.raises(ServerUnreachableError, match="another service"),
    ):
        api.get("a1")


def test_the_key_comes_from_the_environment_or_from_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("gh_live_1_2\n")

    assert key_in({}) is None
    assert key_in({"GRADHEALTH_API_KEY": "k"}) == "k"
    assert key_in({"GRADHEALTH_API_KEY_FILE": str(file)}) == "gh_live_1_2"
    with pytest.raises(UnreadableKeyError, match="GRADHEALTH_API_KEY_FILE"):
        key_in({"GRADHEALTH_API_KEY_FILE": str(tmp_path)})
