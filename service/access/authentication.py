"""Every request shows who asks, before its route is run.

A route is closed unless it says `openapi_extra=PUBLIC`: the application's own
dependency, `authenticated`, runs before any route's. Reading needs the scope `read`,
every other method `write`; a route for the operator says `requires("admin")`.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from storage.tables import Scope

from ..exceptions import MissingScopeError, NoKeyError, NotSameSiteError
from .callers import ANYBODY, OWNER, Caller
from .guesses import Guesses
from .key_ring import KeyRing
from .rates import RateLimits

# How OpenAPI says that an operation needs no key.
PUBLIC: dict[str, Any] = {"security": []}
READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Holds the secret of a browser that is signed in.
COOKIE = "gradhealth"


def is_public(route: APIRoute) -> bool:
    """Whether a route is for everybody, key or not."""
    return PUBLIC.items() <= (route.openapi_extra or {}).items()


async def authenticated(request: Request) -> None:
    """Finds out who asks, for any route; the application asks for it itself.

    Raises:
        NoKeyError: No key was sent, or it opens nothing.
        NotSameSiteError: A page elsewhere uses a browser that is signed in here.
        MissingScopeError: The key may not do this.
        TooManyRequestsError: The key or its project has sent too many.
        TooManyWrongKeysError: So many came from there that it is not looked at.
    """
    if is_public(request.scope["route"]):
        request.state.caller = ANYBODY
        return
    caller = await _identified(request)
    limits: RateLimits = request.app.state.rate_limits
    limits.admit(caller, request.scope["state"])
    needed: Scope = "read" if request.method in READING else "write"
    if not caller.allows(needed):
        raise MissingScopeError(needed)
    request.state.caller = caller


def caller_of(request: Request) -> Caller:
    """Who asks, as `authenticated` found out."""
    caller: Caller = request.state.caller
    return caller


async def _identified(request: Request) -> Caller:
    ring: KeyRing = request.app.state.key_ring
    if not await ring.asks():
        return OWNER
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        guesses: Guesses = request.app.state.guesses
        caller = await guesses.opened(key.strip(), ring.with_key, request)
    else:
        caller = await _signed_in(request, ring)
    if caller is None:
        raise NoKeyError
    return caller


async def _signed_in(request: Request, ring: KeyRing) -> Caller | None:
    token = request.cookies.get(COOKIE)
    if token is None:
        return None
    # A form elsewhere can send the cookie along, but cannot deny where it stands:
    # `LocalOnlyMiddleware` has refused every other site that an Origin names.
    if request.method not in READING and "origin" not in request.headers:
        raise NotSameSiteError
    guesses: Guesses = request.app.state.guesses
    return await guesses.opened(token, ring.signed_in, request)


async def _caller(request: Request) -> Caller:
    # The framework runs what is not asynchronous in a thread.
    return caller_of(request)


CallerOf: TypeAlias = Annotated[Caller, Depends(_caller)]


def requires(scope: Scope) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that lets only callers with the scope pass.

    For a router or a route: `dependencies=[Depends(requires("admin"))]`.
    """

    async def check(caller: CallerOf) -> Caller:
        if not caller.allows(scope):
            raise MissingScopeError(scope)
        return caller

    return check
