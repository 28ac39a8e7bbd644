"""Counts the requests of this process: by route, status and duration.

A route is told by its template and a method by its name, where both are ours: a client
cannot make new series.
"""

import time
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .request_log import log_request

# What no route answers.
UNKNOWN = "unknown"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# From an answer out of memory to the longest `?wait=`, in seconds.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)

# When a series began, a second series each, is of use to nobody.
disable_created_metrics()  # type: ignore[no-untyped-call]  # theirs


class RequestMetrics:
    """The counts, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Memory, processor time and open files.
        ProcessCollector(registry=self.registry)
        self.seconds = Histogram(
            "gradhealth_http_request_seconds",
            "Time from a request to the begin of its answer.",
            ("method", "route", "status"),
            buckets=BOUNDS,
            registry=self.registry,
        )
        self.body_bytes = Counter(
            "gradhealth_http_request_body_bytes",
            "Bytes of bodies that were sent to a route.",
            ("route",),
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "gradhealth_http_requests_in_progress",
            "Requests that are answered now, open event streams among them.",
            registry=self.registry,
        )


class RequestMetricsMiddleware:
    """Counts every request, refused and failed ones too, and writes it down."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        watched = _Watched(receive, send)
        with self._metrics.in_progress.track_inprogress():
            try:
                await self.app(scope, watched.receive, watched.send)
            finally:
                self._count(scope, watched)

    def _count(self, scope: Scope, watched: "_Watched") -> None:
        route = template_of(scope)
        method = scope["method"] if scope["method"] in METHODS else UNKNOWN
        seconds = watched.seconds
        self._metrics.seconds.labels(method, route, watched.status).observe(seconds)
        if watched.num_bytes:
            self._metrics.body_bytes.labels(route).inc(watched.num_bytes)
        log_request(scope, route, watched.status, seconds)


class _Watched:
    """What goes in and out of a request."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._began = time.perf_counter()
        self._answered: float | None = None
        # An error that nobody handles is answered outside of all middleware.
        self.status = 500
        self.num_bytes = 0

    @property
    def seconds(self) -> float:
        """Time to the begin of the answer."""
        return (self._answered or time.perf_counter()) - self._began

    async def receive(self) -> Message:
        message = await self._receive()
        self.num_bytes += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._answered, self.status = time.perf_counter(), message["status"]
        await self._send(message)


def template_of(scope: Scope) -> str:
    """The template of the route that answered, such as `/v1/analyses/{analysis_id}`."""
    route: Any = scope.get("route")
    return str(getattr(route, "path_format", UNKNOWN))
