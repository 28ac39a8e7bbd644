"""How requests travel, whoever waits for them."""

from typing import Any, TypedDict

import httpx

from .calls import Call

ANSWER_SECONDS = 30.0
PATIENCE_SECONDS = 30.0
CONNECT_RETRIES = 2
# A proxy is of no use on the way to one's own machine.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Connection(TypedDict):
    """What both of httpx's clients are made with."""

    base_url: str
    timeout: float
    headers: dict[str, str]
    trust_env: bool


def connection_to(
    server: str, api_key: str | None, answer_seconds: float
) -> Connection:
    """To a service, with the key it asks for."""
    return {
        "base_url": server,
        "timeout": answer_seconds,
        "headers": {"Authorization": f"Bearer {api_key}"} if api_key else {},
        "trust_env": httpx.URL(server).host not in LOOPBACK,
    }


def request_for(
    call: Call[Any], http: httpx.Client | httpx.AsyncClient
) -> httpx.Request:
    """A call as a request; what the service may wait comes on top of the timeout."""
    return http.build_request(
        call.method,
        call.path,
        params=call.params,
        headers=call.headers,
        json=call.json,
        content=call.content,
        timeout=_longer(http.timeout, call.wait_seconds),
    )


def _longer(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    longer = httpx.Timeout(timeout)
    longer.read = None if timeout.read is None else timeout.read + seconds
    return longer
