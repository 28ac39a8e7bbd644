from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from gradhealth.schemas.webhook import EVENT_TYPES
from service.app import create_app
from service.config import ServiceSettings
from service.monitoring.work_metrics import MOST_WORKERS
from storage.access.keys import KeyStore
from storage.analyses.records import now
from storage.config import StorageSettings
from storage.tables import AnalysisRow
from storage.webhooks.secrets import Secrets
from storage.webhooks.store import WebhookStore
from storage.work.backlog import LIGHT
from tests.support.apis import open_api
from tests.support.requests import body, finish
from tests.support.storages import open_stores


@pytest.fixture
def application(storage):
    """One for each test: it counts from its start."""
    return create_app(ServiceSettings(), storage)


async def scrape(api, **headers):
    """Value by (name, labels), read by Prometheus' own parser."""
    answer = await api.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(metrics, name, **labels):
    return metrics.get((f"gradhealth_{name}", frozenset(labels.items())))


async def test_requests_are_counted_by_the_template_of_their_route(api):
    for number in range(3):
        await api.get(f"/v1/analyses/unknown{number}")
    metrics = await scrape(api)

    route = "/v1/analyses/{analysis_id}"
    labels = {"method": "GET", "route": route, "status": "404"}
    assert value(metrics, "http_request_seconds_count", **labels) == 3
    assert value(metrics, "http_request_seconds_bucket", le="+Inf", **labels) == 3
    assert value(metrics, "http_requests_in_progress") == 1


async def test_a_client_cannot_make_new_series(api):
    await scrape(api)
    for number in range(3):
        await api.get(f"/nowhere/{number}")
        await api.request(f"METHOD{number}", "/healthz")
    metrics = await scrape(api)

    methods = {dict(labels).get("method") for _, labels in metrics} - {None}
    routes = {dict(labels).get("route") for _, labels in metrics} - {None}
    assert methods == {"GET", "unknown"}
    assert routes == {"/metrics", "/healthz", "unknown"}


async def test_bytes_that_came_in_are_counted_by_route(api):
    content = b'{"step": 1, "loss": 1.0}\n'
    await api.post("/v1/traces", content=content)
    metrics = await scrape(api)

    told = value(metrics, "http_request_body_bytes_total", route="/v1/traces")
    assert told == len(content)


async def test_a_request_that_fails_is_counted_as_500(storage):
    app = create_app(ServiceSettings(), storage)

    @app.get("/v1/broken")
    async def broken() -> None:
        raise RuntimeError

    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1"
        ) as api:
            await api.get("/v1/broken")
            metrics = await scrape(api)

    labels = {"method": "GET", "route": "/v1/broken", "status": "500"}
    assert value(metrics, "http_request_seconds_count", **labels) == 1


async def test_the_backlog_of_small_and_large_projects_is_told_apart(api, stores):
    await api.post("/v1/analyses", json=body(project="small"))
    for _ in range(LIGHT + 1):
        await api.post("/v1/analyses", json=body(project="large"))
    async with stores.sessions.writing() as session:
        await session.execute(
            update(AnalysisRow)
            .where(AnalysisRow.project == "small")
            .values(created_at=now() - timedelta(seconds=100))
        )
    metrics = await scrape(api)

    of_small = {"project_class": "light", "queue": "cpu"}
    of_large = {"project_class": "heavy", "queue": "cpu"}
    assert value(metrics, "analyses_open", status="queued", **of_small) == 1
    assert value(metrics, "analyses_open", status="queued", **of_large) == LIGHT + 1
    assert value(metrics, "analyses_open", status="running", **of_small) == 0
    assert 100 <= value(metrics, "queue_oldest_seconds", **of_small) < 160
    assert 0 < value(metrics, "queue_oldest_seconds", **of_large) < 60


async def test_work_is_counted_from_its_begin_to_its_end(api, stores):
    before = await scrape(api)
    analysis_id = (await api.post("/v1/analyses", json=body())).json()["id"]
    await stores.claims("lost").begin(analysis_id)
    await finish(stores, analysis_id)
    cancelled = (await api.post("/v1/analyses", json=body())).json()["id"]
    await stores.claims().begin(cancelled)
    await api.post(f"/v1/analyses/{cancelled}/cancel")
    unclaimed = (await api.post("/v1/analyses", json=body())).json()["id"]
    await api.post(f"/v1/analyses/{unclaimed}/cancel")
    after = await scrape(api)

    def more(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("job_attempts_total") == 3
    assert more("job_take_overs_total") == 1
    assert more("job_crashes_total") == 0
    assert more("job_wait_seconds_count") == 2
    assert more("job_seconds_count", status="succeeded") == 1
    assert more("job_seconds_count", status="cancelled") == 1
    assert more("job_seconds_count", status="failed") == 0
    assert more("job_seconds_bucket", status="succeeded", le="60.0") == 1


async def test_workers_are_told_by_their_silence_and_only_so_many(api, stores):
    await stores.workers.beat("one", "cuda")
    few = await scrape(api)
    for number in range(MOST_WORKERS):
        await stores.workers.beat(f"worker-{number}", "cpu")
    many = await scrape(api)
    for number in range(MOST_WORKERS):
        await stores.workers.retire(f"worker-{number}")
    await stores.workers.retire("one")

    silence = value(few, "worker_silence_seconds", worker="one", device="cuda")
    assert 0 <= silence < 60
    assert value(few, "workers", device="cuda", state="ready") == 1
    assert value(few, "workers", device="cuda", state="faulty") == 0
    assert value(few, "workers", device="cpu", state="ready") == 0
    assert value(many, "workers", device="cpu", state="ready") == MOST_WORKERS
    names = [name for name, _ in many if name.endswith("worker_silence_seconds")]
    assert len(names) == MOST_WORKERS


async def test_what_webhooks_are_still_to_be_told_is_told(api, stores):
    before = await scrape(api)
    webhooks = WebhookStore(stores.sessions, project=None, secrets=Secrets())
    hook = await webhooks.create(
        project="told", url="https://a.invalid/", events=EVENT_TYPES, most=1
    )
    request = body(project="told")
    analysis_id = (await api.post("/v1/analyses", json=request)).json()["id"]
    await api.post(f"/v1/analyses/{analysis_id}/cancel")
    after = await scrape(api)
    await webhooks.delete(hook.id)

    assert value(before, "webhook_deliveries", state="pending") == 0
    assert value(after, "webhook_deliveries", state="pending") == 1
    assert value(after, "webhook_deliveries", state="dead") == 0
    assert 0 <= value(after, "webhook_oldest_seconds") < 60


@pytest.fixture
async def on_the_port(storage):
    """What comes in on the metrics' own port, 9100, of a service that asks for keys."""
    key = await a_key(storage, "read")
    app = create_app(ServiceSettings(metrics_port=9100), storage)
    async with open_api(app) as elsewhere:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://10.0.0.7:9100"
        ) as api:
            yield SimpleNamespace(api=api, elsewhere=elsewhere, key=key)


async def a_key(storage, *scopes):
    async with open_stores(storage) as stores:
        keys = KeyStore(stores.sessions)
        return await keys.create(project="p", name="", scopes=scopes)


async def test_a_port_of_its_own_needs_no_key(on_the_port):
    metrics = await scrape(on_the_port.api)

    assert value(metrics, "database_up") == 1


@pytest.mark.parametrize("path", ["/v1/analyses", "/healthz", "/metrics/", "/"])
async def test_it_shows_nothing_else(on_the_port, path):
    key = {"Authorization": f"Bearer {on_the_port.key.text}"}
    answer = await on_the_port.api.get(path, headers=key)

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:gradhealth:problem:no-such-address"


async def test_a_client_cannot_claim_to_be_on_it(on_the_port):
    answer = await on_the_port.elsewhere.get(
        "/metrics", headers={"X-Forwarded-Port": "9100", "Forwarded": "host=:9100"}
    )

    assert answer.status_code == 401


async def test_without_the_database_requests_are_still_told(tmp_path):
    nowhere = StorageSettings(database_url=f"postgresql://nobody@/x?host={tmp_path}")
    app = create_app(ServiceSettings(metrics_port=8000), nowhere)
    async with open_api(app) as api:
        metrics = await scrape(api)

    assert value(metrics, "database_up") == 0
    assert value(metrics, "http_requests_in_progress") == 0
    assert value(metrics, "job_attempts_total") is None
