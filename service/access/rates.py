"""How often a key and a project may ask: a bucket each, in this process.

Several service processes count apart, so together they let through as many times more.
Told in the fields of draft-ietf-httpapi-ratelimit-headers-11, which is no RFC yet.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..exceptions import TooManyRequestsError
from .callers import Caller

WINDOW_SECONDS = 60.0
# Of more, the one that was not asked for longest is forgotten, and so full again.
MOST_BUCKETS = 10_000
# Sums of seconds are a little off.
ROUNDING_SECONDS = 1e-6
STANDING = "rate_limit"


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a quota is left.

    Attributes:
        remaining: Requests that may follow at once.
        full_seconds: Time until the whole quota is there again.
        retry_seconds: Time until one more is let through; 0 when this one was.
    """

    remaining: int
    full_seconds: float
    retry_seconds: float


class Buckets:
    """Token buckets by name, each as the one moment when it will be full again (GCRA).

    Args:
        quota: Requests that may come at once, and per `WINDOW_SECONDS` for ever.
    """

    def __init__(self, quota: int) -> None:
        self.quota = quota
        self._full_at: dict[str, float] = {}

    def take(self, name: str, now: float) -> Standing:
        """Take a request's token out of a bucket, if there is one."""
        token_seconds = WINDOW_SECONDS / self.quota
        full_at = max(self._full_at.get(name, now), now) + token_seconds
        missing = full_at - now - WINDOW_SECONDS
        if missing > ROUNDING_SECONDS:
            return Standing(0, full_at - now - token_seconds, missing)
        # Put at the end, so that the first is the one to forget.
        self._full_at.pop(name, None)
        self._full_at[name] = full_at
        if len(self._full_at) > MOST_BUCKETS:
            del self._full_at[next(iter(self._full_at))]
        return Standing(round(-missing / token_seconds), full_at - now, 0.0)

    def give_back(self, name: str) -> None:
        """Put a token back that was taken and is not to count."""
        if name in self._full_at:
            self._full_at[name] -= WINDOW_SECONDS / self.quota


class RateLimits:
    """The buckets of all keys and of all projects.

    Args:
        key_quota: Requests a minute with one key.
        project_quota: Requests a minute with all keys of a project.
    """

    def __init__(self, *, key_quota: int, project_quota: int) -> None:
        self._keys, self._projects = Buckets(key_quota), Buckets(project_quota)

    def admit(self, caller: Caller, state: dict[str, object]) -> None:
        """Count a request, and note for its answer how much is left.

        Args:
            caller: Who asks; without a key nothing is counted.
            state: The request's, for `RateHeadersMiddleware`.

        Raises:
            TooManyRequestsError: One of the buckets is empty.
        """
        if caller.key_id is None or caller.project is None:
            return
        now = time.monotonic()
        standings = {"key": self._keys.take(caller.key_id, now)}
        if not standings["key"].retry_seconds:
            standings["project"] = self._projects.take(caller.project, now)
        quotas = {"key": self._keys.quota, "project": self._projects.quota}
        state[STANDING] = rate_headers(quotas, standings)
        for name, standing in standings.items():
            if standing.retry_seconds:
                raise TooManyRequestsError(name, standing.retry_seconds)


def rate_headers(
    quotas: Mapping[str, int], standings: Mapping[str, Standing]
) -> dict[str, str]:
    """What an answer tells of buckets, each by its name."""
    policies = (f'"{n}";q={q};w={WINDOW_SECONDS:.0f}' for n, q in quotas.items())
    left = (
        f'"{name}";r={standing.remaining};t={math.ceil(standing.full_seconds)}'
        for name, standing in standings.items()
    )
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}


class RateHeadersMiddleware:
    """Adds to every answer, refusals too, how much is left."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""

        async def send_with_standing(message: Message) -> None:
            if message["type"] == "http.response.start":
                standing = scope.get("state", {}).get(STANDING, {})
                MutableHeaders(scope=message).update(standing)
            await send(message)

        await self.app(scope, receive, send_with_standing)
