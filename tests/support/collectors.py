"""A collector of spans: a real OTLP endpoint."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)


@dataclass(frozen=True)
class Span:
    program: str
    name: str
    id: str
    parent: str
    trace: str
    attributes: dict


class Collector:
    """Keeps the spans that are sent to it."""

    def __init__(self):
        self.spans = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.take(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, body):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            program = _attributes(resource.resource)["service.name"]
            self.spans += [
                Span(
                    program=program,
                    name=span.name,
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    trace=span.trace_id.hex(),
                    attributes=_attributes(span),
                )
                for scope in resource.scope_spans
                for span in scope.spans
            ]


def _attributes(message):
    return {
        each["key"]: next(iter(each["value"].values()))
        for each in MessageToDict(message).get("attributes", [])
    }
