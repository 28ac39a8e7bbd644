"""One trace from a client's request through service, database and worker."""

import httpx
import pytest

from tests.support.collectors import Collector
from tests.support.databases import create_sqlite
from tests.support.programs import Programs
from tests.support.requests import body

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def database(tmp_path):
    return create_sqlite(tmp_path)


def run(database, tmp_path, **settings):
    """An analysis from its request to its end, and an orderly stop."""
    with Programs(database, tmp_path, **settings) as programs:
        programs.start("service", "worker")
        url, *_ = programs.urls()
        answer = httpx.post(
            f"{url}/v1/analyses?wait=50",
            json=body(),
            headers={"traceparent": f"00-{TRACE}-{CALLER}-01"},
            timeout=60,
        )
        assert answer.json()["status"] == "succeeded", answer.text
        httpx.get(f"{url}/readyz")
        programs.stop("worker")
        programs.stop("service")
        return answer.json(), programs


def test_the_workers_spans_are_children_of_the_request(database, tmp_path):
    with Collector() as collector:
        analysis, programs = run(
            database,
            tmp_path,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            log_format="json",
        )

    spans = {span.name: span for span in collector.spans}
    request, analyse = spans["POST /v1/analyses"], spans["analyse"]
    assert (request.program, request.parent) == ("gradhealth-service", CALLER)
    assert analyse.program == spans["nap"].program == "gradhealth-worker"
    assert analyse.attributes == {"gradhealth.id": analysis["id"]}
    assert spans["nap"].parent == analyse.id
    by_id = {span.id: span for span in collector.spans}
    ancestor = by_id[analyse.parent]
    while ancestor.id != request.id:
        ancestor = by_id[ancestor.parent]
    assert {span.trace for span in collector.spans} == {TRACE}
    for program in ("service", "worker"):
        assert f'"trace_id": "{TRACE}"' in programs.log(program)


def test_without_an_exporter_nothing_is_traced(database, tmp_path):
    _, programs = run(database, tmp_path, log_format="json")

    assert "trace_id" not in programs.log("service") + programs.log("worker")
