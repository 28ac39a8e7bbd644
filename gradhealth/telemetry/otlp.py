"""Sends spans by OTLP over HTTP; the extra `otel` installs what it needs.

Everything else is said by the standard's own variables: OTEL_SERVICE_NAME,
OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER and so on.
"""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start(program: str) -> None:
    """Send all spans of this process from now on; the last ones when it ends."""
    named = Resource.create({"service.name": program}).merge(
        OTELResourceDetector().detect()
    )
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
