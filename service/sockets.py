"""Opens the socket the service listens on."""

import socket

from gradhealth.exceptions import GradHealthError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Addresses that stand for all of this machine's, and one that a client can use.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only known here


class CannotListenError(GradHealthError):
    """The address cannot be listened on."""

    code = "cannot_listen"


def is_this_machine(host: str) -> bool:
    """Whether only programs of this machine reach what listens there."""
    return host in LOOPBACK


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that child processes can inherit.

    Args:
        host: An address of this machine.
        port: TCP port; 0 takes a free one.

    Raises:
        CannotListenError: The port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    # A port whose last user has just stopped counts as free.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotListenError(
            f"cannot listen on {host}:{port} ({error.strerror}): "
            "is it running already? Choose another port with --port"
        ) from error
    listener.listen(socket.SOMAXCONN)
    listener.set_inheritable(True)
    return listener


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket for a client on this machine."""
    host, port = listener.getsockname()[:2]
    host = EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
