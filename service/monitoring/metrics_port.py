"""A port of its own for `/metrics`, where nobody is asked for a key."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ..problems import problem_response
from ..routes.metrics import MetricsResponse
from .exposition import Exposition


class MetricsPortMiddleware:
    """Answers what comes to that port, with metrics and nothing else.

    Which port it is says the server's own socket, not the client.

    Args:
        app: What answers on every other port.
        port: TCP port; None for none.
    """

    def __init__(self, app: ASGIApp, port: int | None) -> None:
        self.app = app
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or not self._is_ours(scope):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        if (request.method, request.url.path) == ("GET", "/metrics"):
            exposition: Exposition = request.app.state.exposition
            answer = MetricsResponse(await exposition.text())
            await answer(scope, receive, send)
            return
        detail = "only GET /metrics is answered on this port"
        await problem_response(404, "no_such_address", detail)(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        _, port = scope.get("server") or (None, None)
        return self._port is not None and port == self._port
