"""What both clients do, asked of both."""

import inspect
import json

import httpx
import pytest

from gradhealth.client import (
    AsyncClient,
    Client,
    RefusedError,
    ServerUnreachableError,
    calls,
    courses,
    webhook_calls,
)
from gradhealth.exceptions import Problem
from gradhealth.schemas.analysis import Options, Source, TraceOptions
from gradhealth.schemas.trace import TracedLayer
from tests.support.clients import Awaited, FakeService, blocking
from tests.support.results import a_result
from tests.support.traces import trace

ANALYSIS = {
    "id": "a1",
    "kind": "architecture",
    "status": "queued",
    "created_at": "2026-01-01T00:00:00Z",
    "links": {"self": "/v1/analyses/a1", "cancel": "/v1/analyses/a1/cancel"},
}


@pytest.fixture(params=[blocking, Awaited], ids=["blocking", "awaiting"])
def connect(request):
    return request.param


def found(**changes):
    return httpx.Response(200, json={**ANALYSIS, **changes})


def test_a_spec_is_submitted_with_its_options_and_key(connect):
    service = FakeService(httpx.Response(202, json=ANALYSIS))

    with connect(service) as api:
        analysis = api.submit(
            {"model": []},
            options=Options(verify_fixes=False),
            idempotency_key="k",
            labels={"a": "b"},
        )

    (request,) = service.requests
    body = json.loads(request.content)
    assert analysis.status == "queued"
    assert request.headers["Idempotency-Key"] == "k"
    assert body["spec"] == {"model": []}
    assert body["options"]["verify_fixes"] is False
    assert body["labels"] == {"a": "b"}


def test_theory_and_traces_are_asked_for_by_their_kind(connect):
    service = FakeService(found(kind="theory"), found(kind="trace"))
    run = trace()

    with connect(service) as api:
        api.predict({"model": []})
        api.judge(run, project="p")

    theory, judged = (json.loads(request.content) for request in service.requests)
    assert theory == {"kind": "theory", "spec": {"model": []}}
    assert judged["trace"] == run.to_json()
    assert judged["project"] == "p"


def test_a_log_is_sent_as_it_is_with_how_to_read_it(connect):
    several = httpx.Response(201, json={"items": [ANALYSIS, ANALYSIS]})
    service = FakeService(found(kind="trace"), several)
    options = TraceOptions(
        thresholds={"vanishing_gradient": {"factor": 0.5}},
        source=Source(path="run.csv"),
    )

    with connect(service) as api:
        assert len(api.submit_log(b"step,loss")) == 1
        runs = api.submit_log(
            b"x", options=options, map="loss:cost", labels={"a": "b:c"}, project="p"
        )

    plain, told = service.requests
    assert len(runs) == 2
    assert plain.content == b"step,loss"
    assert plain.headers["content-type"] == "application/octet-stream"
    keys = {each.headers["idempotency-key"] for each in service.requests}
    assert len(keys) == 2
    assert dict(told.url.params) == {
        "filename": "run.csv",
        "threshold": "vanishing_gradient.factor:0.5",
        "label": "a:b:c",
        "map": "loss:cost",
        "project": "p",
    }


def test_a_large_log_is_waited_for_and_all_its_runs_are_returned(connect):
    runs = httpx.Response(200, json={"items": [ANALYSIS, ANALYSIS]})
    states = ("queued", "running", "succeeded")
    service = FakeService(*(found(kind="trace", status=each) for each in states), runs)

    with connect(service) as api:
        assert len(api.judge_log(b"x")) == 2

    assert [each.partition("?")[0] for each in service.asked] == [
        "POST /v1/traces",
        "GET /v1/analyses/a1",
        "GET /v1/analyses/a1",
        "GET /v1/analyses/a1/runs",
    ]


def test_a_large_log_that_nobody_reads_in_time_is_returned_as_it_is(connect):
    service = FakeService(found(kind="trace", status="queued"))

    with connect(service) as api:
        (analysis,) = api.judge_log(b"x", seconds=0)

    assert analysis.status == "queued"


def test_following_ends_with_the_finished_analysis(connect):
    states = ("queued", "running", "cancelled")

    with connect(FakeService(*(found(status=each) for each in states))) as api:
        followed = [analysis.status for analysis in api.follow("a1")]

    assert followed == list(states)


def test_analysing_waits_for_the_end(connect):
    states = ("queued", "running", "succeeded")
    service = FakeService(*(found(status=each) for each in states))

    with connect(service) as api:
        assert api.analyse({"model": []}).status == "succeeded"

    assert service.asked == [
        "POST /v1/analyses?wait=30.0",
        "GET /v1/analyses/a1?wait=30.0",
        "GET /v1/analyses/a1?wait=30.0",
    ]


def test_analysing_gives_up_when_the_time_is_over(connect):
    service = FakeService(found(status="running"), found(status="running"))

    with connect(service) as api:
        assert api.analyse({"model": []}, seconds=0).status == "running"


def test_waiting_ends_when_the_time_is_over(connect):
    service = FakeService(found(status="running"))

    with connect(service) as api:
        assert api.wait("a1", seconds=0).status == "running"

    assert service.asked == ["GET /v1/analyses/a1"]


def test_what_a_newer_service_adds_is_ignored(connect):
    with connect(FakeService(found(colour="green"))) as api:
        assert api.get("a1").id == "a1"


def test_pages_are_turned_to_the_last(connect):
    service = FakeService(
        httpx.Response(200, json={"items": [ANALYSIS], "next_cursor": "c"}),
        httpx.Response(200, json={"items": [ANALYSIS], "next_cursor": None}),
    )

    with connect(service) as api:
        assert sum(len(page.items) for page in api.pages(project="p", limit=1)) == 2

    assert service.asked == [
        "GET /v1/analyses?project=p&limit=1",
        "GET /v1/analyses?project=p&limit=1&cursor=c",
    ]


def test_the_other_calls_reach_their_addresses(connect):
    comparison = {"standing": "same", "summary": "nothing changed"}
    service = FakeService(
        httpx.Response(200, json={"items": []}),
        found(status="cancelled"),
        httpx.Response(204),
        httpx.Response(200, text="# report"),
        httpx.Response(200, json=comparison),
        httpx.Response(201, json={"id": "r1", "name": "run"}),
        httpx.Response(200, json={}),
    )

    with connect(service) as api:
        assert api.page(status="failed").items == []
        assert api.cancel("a1").status == "cancelled"
        assert api.delete("a1") is None
        assert api.report("a1", "markdown") == "# report"
        assert api.compare("a1", baseline="a0").standing == "same"
        layers = [TracedLayer(path="0", type="Linear")]
        run = api.create_run("run", layers=layers, config={}, idempotency_key="k")
        assert api.add_batch(run, b"batch") is None

    assert service.asked == [
        "GET /v1/analyses?status=failed",
        "POST /v1/analyses/a1/cancel",
        "DELETE /v1/analyses/a1",
        "GET /v1/analyses/a1/report?format=markdown",
        "GET /v1/analyses/a1/comparison?baseline=a0",
        "POST /v1/runs",
        "POST /v1/runs/r1/batches",
    ]


def test_a_refusal_carries_the_single_mistakes(connect):
    problem = {
        "type": "urn:gradhealth:problem:invalid-document",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "/spec: wrong",
        "errors": [{"pointer": "/spec", "message": "wrong"}],
    }
    answer = httpx.Response(422, json=problem, headers={"X-Request-ID": "r1"})

    with (
        connect(FakeService(answer)) as api,
        pytest.raises(RefusedError, match="wrong") as caught,
    ):
        api.submit({})

    assert caught.value.status == 422
    assert caught.value.problems == [Problem("/spec", "wrong")]
    assert caught.value.type == "urn:gradhealth:problem:invalid-document"
    assert caught.value.request_id == "r1"


@pytest.mark.parametrize("text", ["<html>no</html>", '{"errors": 1}', "[]", ""])
def test_an_error_in_other_words_is_a_refusal_too(connect, text):
    with (
        connect(FakeService(httpx.Response(403, text=text))) as api,
        pytest.raises(RefusedError, match=r"refused \(403\): Forbidden"),
    ):
        api.get("a1")


@pytest.mark.parametrize("server", ["http://127.0.0.1:9", "127.0.0.1:8000", "ftp://x"])
def test_a_service_that_was_never_there_is_named_at_once(server):
    with (
        Client(server) as api,
        pytest.raises(ServerUnreachableError, match=server),
    ):
        api.get("a1")


def test_a_service_that_comes_back_is_waited_for(connect):
    service = FakeService(
        found(status="running"),
        httpx.ReadError("reset"),
        httpx.Response(503, headers={"Retry-After": "0"}),
        found(status="cancelled"),
    )

    with connect(service) as api:
        assert [each.status for each in api.follow("a1")] == ["running", "cancelled"]


def test_a_repeated_submission_is_the_same_one(connect):
    busy = httpx.Response(429, headers={"Retry-After": "0"})
    service = FakeService(busy, httpx.Response(202, json=ANALYSIS), found())

    with connect(service) as api:
        api.submit({})
        api.submit({})

    first, repeat, other = (r.headers["Idempotency-Key"] for r in service.requests)
    assert first == repeat != other


def test_following_does_not_wait_for_what_was_deleted(connect):
    gone = httpx.Response(404, json={"detail": "deleted?", "errors": []})

    with connect(FakeService(gone)) as api, pytest.raises(RefusedError, match="404"):
        next(api.follow("a1"))


def test_another_service_at_the_address_is_told_apart(connect):
    answer = httpx.Response(200, text="<html>welcome</html>")

    with (
        connect(FakeService(answer)) as api,
        pytest.raises(ServerUnreachableError, match="another service"),
    ):
        api.get("a1")


def test_the_key_is_sent_with_each_call(connect):
    service = FakeService(found())

    with connect(service, api_key="gh_live_1_2") as api:
        api.get("a1")

    assert service.requests[0].headers["Authorization"] == "Bearer gh_live_1_2"


def test_an_answer_is_waited_for_longer_where_the_service_waits(connect):
    service = FakeService(found(), found())

    with connect(service, answer_seconds=5) as api:
        api.get("a1")
        api.get("a1", wait_seconds=60)

    reads = [each.extensions["timeout"]["read"] for each in service.requests]
    assert reads == [5, 65]


def test_a_notebook_shows_the_report(connect):
    result = json.loads(a_result().model_dump_json())

    with connect(FakeService(found(status="succeeded", result=result))) as api:
        analysis = api.get("a1")

    assert "Content-Security-Policy" in analysis.to_html()
    assert analysis._repr_html_().startswith("<iframe srcdoc=")
    assert analysis.result._repr_html_().startswith("<iframe srcdoc=")
    assert "vanishing_gradient" in str(analysis)
    assert (
        analysis.model_dump_json()
        == analysis.model_validate(analysis.model_dump()).model_dump_json()
    )


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            {"progress": {"phase": "training", "done": 1, "total": 3}},
            "training, 1 of 3",
        ),
        ({"error": {"code": "time_limit", "message": "too long"}}, "too long"),
    ],
)
def test_what_has_no_result_says_where_it_stands(connect, state, told):
    with connect(FakeService(found(**state))) as api:
        analysis = api.get("a1")

    assert told in str(analysis)
    assert told in analysis._repr_html_()


def test_a_delivery_is_replayed(connect):
    delivery = {
        "id": "msg_1",
        "webhook_id": "w",
        "type": "run.alert",
        "state": "pending",
        "attempts": 0,
        "created_at": "2026-01-01T00:00:00Z",
        "due_seconds": 0.0,
    }
    service = FakeService(httpx.Response(202, json=delivery))

    with connect(service) as api:
        replayed = api.replay("w", "msg_1")

    assert service.asked == ["POST /v1/webhooks/w/deliveries/msg_1/replay"]
    assert (replayed.id, replayed.state) == ("msg_1", "pending")


def test_every_description_is_a_method_of_both():
    described = [
        name
        for module in (calls, courses, webhook_calls)
        for name, thing in inspect.getmembers(module, inspect.isfunction)
        if thing.__module__ == module.__name__ and not name.startswith("_")
    ]

    assert len(described) == 21
    for name in described:
        ours, theirs = getattr(Client, name), getattr(AsyncClient, name)
        assert ours.__doc__ == theirs.__doc__
        assert inspect.signature(ours) == inspect.signature(theirs)
