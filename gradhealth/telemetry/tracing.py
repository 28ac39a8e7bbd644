"""Spans in the sense of OpenTelemetry: on when an exporter is configured.

What a span belongs to travels as a W3C `traceparent`: with a request into the service,
with the analysis through the database, and into the worker that takes it.
"""

import importlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# The standard's own variables: one of them says where spans are sent to.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_logger = logging.getLogger(__name__)
_W3C = TraceContextTextMapPropagator()
_TRACEPARENT = "traceparent"
_tracer = trace.get_tracer("gradhealth")


def is_wanted() -> bool:
    """Whether the environment says where spans are to be sent to."""
    return any(os.environ.get(name) for name in ENDPOINTS)


def set_up_tracing(program: str) -> None:
    """Send this process's spans where the environment says, or nowhere.

    Args:
        program: The `service.name`, unless OTEL_SERVICE_NAME says another.
    """
    if not is_wanted():
        return
    try:
        # It needs what only the extra installs.
        importlib.import_module("gradhealth.telemetry.otlp").start(program)
    except ImportError as error:
        # To serve without traces is better than not to serve.
        _logger.warning("no traces: pip install 'gradhealth[otel]' (%s)", error)


def current_traceparent() -> str | None:
    """The span in which this is called; None without one."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(_TRACEPARENT)


@contextmanager
def span(name: str, *, parent: str | None = None, **about: str) -> Iterator[None]:
    """A span around a block; an exception that leaves it is noted.

    Args:
        name: What is done.
        parent: The span it belongs to, of another process; else that around it.
        about: Attributes; the prefix `gradhealth.` is put before their names.
    """
    context = _W3C.extract({_TRACEPARENT: parent}) if parent else None
    attributes = {f"gradhealth.{key}": value for key, value in about.items()}
    with _tracer.start_as_current_span(name, context, attributes=attributes):
        yield
