"""Connects to what is public, and to nothing of our own network.

A name is resolved once, all its addresses are looked at, and one of these is connected
to: a name that means something else a moment later changes nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

import httpcore

from gradhealth.exceptions import GradHealthError

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
# Addresses that carry one of another kind, which may be a private one: translation of
# IPv4 (RFC 6052, 8215), Teredo and 6to4. Nobody's receiver has only these.
CARRIERS = tuple(
    map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"))
)


class PrivateTargetError(GradHealthError):
    """An address that is not public."""

    code = "private_target"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host!r} is not a public address; the operator allows others with "
            "GRADHEALTH_WEBHOOK_PRIVATE_TARGETS"
        )


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet's, for a single receiver."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if inner is not None:
        return is_public(inner)
    if any(address in network for network in CARRIERS):
        return False
    return address.is_global and not address.is_multicast


def is_private_literal(host: str) -> bool:
    """Whether a host is written as an address that is not public."""
    try:
        return not is_public(ip_address(host.strip("[]")))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def resolve(host: str) -> Sequence[str]:
    """The addresses of a name, as this machine's resolver says."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """A network of public addresses alone.

    Args:
        allows_private: Whether others may be connected to as well.
        resolve: Finds the addresses of a name.
    """

    def __init__(self, *, allows_private: bool, resolve: Resolve = resolve) -> None:
        self._allows_private = allows_private
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host; the first of its addresses.

        Raises:
            PrivateTargetError: One of its addresses is not public.
        """
        try:
            addresses = await self._resolve(host)
        except OSError as error:
            raise httpcore.ConnectError(f"{host!r} is not known") from error
        public = [is_public(ip_address(each.partition("%")[0])) for each in addresses]
        if not all(public) and not self._allows_private:
            raise PrivateTargetError(host)
        return await self._network.connect_tcp(
            addresses[0], port, timeout, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        """Wait, as the interface asks for."""
        await self._network.sleep(seconds)
