"""How often an address may show keys that open nothing: a bucket each, in this process.

While the bucket is empty, what is shown from there is not looked up, so that guesses
learn nothing and cost no query. What has opened something from the same address lately
is: nobody who is at work is locked out by the wrong keys of a neighbour.
"""

import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request

from storage.access.credentials import digest_of

from ..exceptions import TooManyWrongKeysError
from .callers import Caller
from .rates import STANDING, Buckets, rate_headers

FAMILIAR_SECONDS = 3600.0
MOST_FAMILIAR = 10_000
# What a provider gives to one customer (RFC 6177); its owner has all addresses in it.
IPV6_PREFIX = 64
# A proxy that is trusted, but does not say whom it speaks for.
NOWHERE = "nowhere"


class Guesses:
    """The buckets of all addresses, and the secrets that are known there.

    Args:
        quota: Secrets a minute, from one address, that open nothing.
    """

    def __init__(self, quota: int) -> None:
        self._buckets = Buckets(quota)
        self._familiar: dict[tuple[str, str], float] = {}

    async def opened(
        self,
        secret: str,
        look: Callable[[str], Awaitable[Caller | None]],
        request: Request,
    ) -> Caller | None:
        """The caller behind a secret; None, and a guess, when it opens nothing.

        Args:
            secret: A key, or what stands for one.
            look: Finds the caller.
            request: Whose address counts; its answer tells what is left.

        Raises:
            TooManyWrongKeysError: The address's bucket is empty, and the secret is
                not known to have opened something from there.
        """
        visit = _address_of(request), digest_of(secret)
        is_familiar = self._familiar.get(visit, 0.0) > time.monotonic()
        if not is_familiar:
            self._count(request)
        is_guess = False
        try:
            caller = await look(secret)
            is_guess = caller is None
        finally:
            # Nor is it one when the database is away.
            if not is_guess and not is_familiar:
                self._take_back(request)
        if caller is not None:
            self.remember(secret, request)
        elif is_familiar:
            self._familiar.pop(visit, None)
            self._count(request)
        return caller

    def remember(self, secret: str, request: Request) -> None:
        """Look it up, whenever it comes from that address within the next hour."""
        visit = _address_of(request), digest_of(secret)
        self._familiar.pop(visit, None)
        if len(self._familiar) >= MOST_FAMILIAR:
            # The one that was not seen for longest: a dictionary keeps the order.
            del self._familiar[next(iter(self._familiar))]
        self._familiar[visit] = time.monotonic() + FAMILIAR_SECONDS

    def _count(self, request: Request) -> None:
        standing = self._buckets.take(_address_of(request), time.monotonic())
        request.scope["state"][STANDING] = rate_headers(
            {"address": self._buckets.quota}, {"address": standing}
        )
        if standing.retry_seconds:
            raise TooManyWrongKeysError(standing.retry_seconds)

    def _take_back(self, request: Request) -> None:
        self._buckets.give_back(_address_of(request))
        del request.scope["state"][STANDING]


def _address_of(request: Request) -> str:
    return _neighbourhood(request.client.host if request.client else NOWHERE)


@lru_cache
def _neighbourhood(host: str) -> str:
    """All addresses that somebody has who has this one."""
    try:
        address = ip_address(host)
    except ValueError:
        return NOWHERE
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), IPV6_PREFIX), strict=False))
