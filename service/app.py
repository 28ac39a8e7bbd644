"""The application: its routes, and what every request passes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.types import Scope

from gradhealth import __version__
from gradhealth.telemetry import tracing
from storage.config import StorageSettings

from .access.authentication import authenticated
from .access.local_only import LocalOnlyMiddleware
from .access.rates import RateHeadersMiddleware
from .config import ServiceSettings
from .errors import add_error_handlers
from .lifetime import opened
from .monitoring.metrics_port import MetricsPortMiddleware
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

# They are tried in this order: first what is asked for most.
ROUTES = (
    analyses,
    health,
    metrics,
    sign_in,
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
        async with opened(app.state, settings, storage, request_metrics):
            yield

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
