"""Keeps foreign web pages out of a service that asks for no key.

A browser lets any page send requests to this machine. Two headers that a page cannot
forge give it away: Origin, and Host when a name of its own points here (DNS rebinding).
"""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..problems import problem_response


class LocalOnlyMiddleware:
    """Refuses requests whose Host is not allowed or whose Origin is another site.

    Args:
        app: The application behind.
        allowed_hosts: Host names without port.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: tuple[str, ...]) -> None:
        self.app = app
        self._allowed_hosts = frozenset(name.lower() for name in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        refusal = None
        if scope["type"] == "http":
            refusal = self._refusal(Headers(scope=scope))
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if _without_port(host) not in self._allowed_hosts:
            names = ", ".join(sorted(self._allowed_hosts))
            detail = f"Host {host!r} is not allowed; use one of: {names}"
            return problem_response(403, "foreign_host", detail)
        origin = headers.get("origin")
        # The scheme is left out: a proxy in front may speak TLS.
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            detail = f"requests from pages of {origin!r} are refused"
            return problem_response(403, "foreign_origin", detail)
        return None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
