"""The application: routes, middleware, and what lives as long as it does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.types import Scope

from gradhealth import __version__
from gradhealth.telemetry import tracing
from storage.alerts import AlertStore
from storage.config import StorageSettings
from storage.dispatch import Queue
from storage.events import EventStore
from storage.judgements import JudgementStore
from storage.keys import KeyStore
from storage.session import Sessions, create_engine
from storage.sign_ins import SignInStore
from storage.workers import WorkerStore

from .access.authentication import authenticated
from .access.key_ring import KeyRing
from .access.local_only import LocalOnlyMiddleware
from .access.quotas import UsageMemory
from .access.rates import RateHeadersMiddleware, RateLimits
from .config import ServiceSettings
from .errors import add_error_handlers
from .monitoring.exposition import Exposition
from .monitoring.metrics_port import MetricsPortMiddleware
from .monitoring.readiness import Readiness
from .monitoring.request_ids import RequestIdMiddleware
from .monitoring.request_metrics import RequestMetrics, RequestMetricsMiddleware
from .openapi import describe
from .routes import (
    analyses,
    assets,
    badges,
    docs,
    editor,
    events,
    health,
    log_form,
    metrics,
    pages,
    reports,
    run_pages,
    runs,
    sign_in,
    traces,
    webhooks,
    workers,
)
from .runs.judging import Judge
from .sockets import is_this_machine
from .watching import Watch
from .webhooks.delivering import create_deliverer

ROUTES = (
    health,
    metrics,
    sign_in,
    analyses,
    traces,
    events,
    reports,
    badges,
    runs,
    webhooks,
    workers,
    pages,
    run_pages,
    editor,
    log_form,
    docs,
    assets,
)
# What is asked every few seconds, by machines: no spans of it.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


def create_app(settings: ServiceSettings, storage: StorageSettings) -> FastAPI:
    """The service over the given database.

    Args:
        settings: How it listens and what it accepts.
        storage: Where analyses are kept.
    """
    request_metrics = RequestMetrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine, queue = create_engine(storage), Queue(storage)
        sessions = Sessions(engine)
        app.state.settings = settings
        app.state.sessions, app.state.queue = sessions, queue
        app.state.key_ring = KeyRing(
            KeyStore(sessions),
            SignInStore(sessions),
            keyless=is_this_machine(settings.host),
        )
        app.state.usage = UsageMemory()
        app.state.log_slots = asyncio.Semaphore(settings.max_logs_at_once)
        app.state.rate_limits = RateLimits(
            key_quota=settings.key_requests_per_minute,
            project_quota=settings.project_requests_per_minute,
        )
        app.state.readiness = Readiness(
            engine,
            WorkerStore(sessions),
            worker_alive_seconds=settings.worker_alive_seconds,
        )
        app.state.exposition = Exposition(
            request_metrics,
            sessions,
            worker_alive_seconds=settings.worker_alive_seconds,
        )
        app.state.watch = Watch(EventStore(sessions))
        app.state.judge = Judge(
            JudgementStore(sessions), memory_bytes=settings.run_memory_mb * 2**20
        )
        app.state.judge.start()
        app.state.run_watch = Watch(AlertStore(sessions))
        deliverer = create_deliverer(sessions, settings)
        deliverer.start()
        yield
        await deliverer.close()
        await app.state.judge.close()
        await app.state.run_watch.close()
        await app.state.watch.close()
        queue.close()
        await engine.dispose()

    app = FastAPI(
        title="gradhealth",
        summary="Can gradients flow, why not, and what makes them flow.",
        version=__version__,
        lifespan=lifespan,
        # Before those of any route: a new one is closed unless it says otherwise.
        dependencies=[Depends(authenticated)],
        generate_unique_id_function=_function_name,
        # The documentation pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        # Spans without an exporter are work for nobody; metrics and logs are ours.
        telemetry={
            "tracing": tracing.is_wanted(),
            "metrics": False,
            "logs": False,
            "exclude": _is_a_probe,
        },
    )
    for each in ROUTES:
        app.include_router(each.router)
    app.mount("/static", assets.static_files())
    add_error_handlers(app)
    app.add_middleware(RateHeadersMiddleware)
    app.add_middleware(
        LocalOnlyMiddleware, allowed_hosts=(*settings.allowed_hosts, settings.host)
    )
    app.add_middleware(RequestMetricsMiddleware, metrics=request_metrics)
    app.add_middleware(MetricsPortMiddleware, port=settings.metrics_port)
    # Added last, so it is outermost: refusals carry the id too.
    app.add_middleware(RequestIdMiddleware)
    # The way FastAPI names for extending its document.
    app.openapi = cache(lambda: describe(app))  # type: ignore[method-assign]
    return app


def _is_a_probe(scope: Scope) -> bool:
    return scope["path"] in PROBES


def _function_name(route: APIRoute) -> str:
    return route.name
