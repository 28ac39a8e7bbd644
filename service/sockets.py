"""Opens the socket the service listens on."""

import socket

from gradhealth.exceptions import GradHealthError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class CannotListenError(GradHealthError):
    """The address cannot be listened on."""

    code = "cannot_listen"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that child processes can inherit.

    Args:
        host: A name of this machine itself.
        port: TCP port; 0 takes a free one.

    Raises:
        CannotListenError: The port is taken, or the host is open to others.
    """
    if host not in LOOPBACK:
        raise CannotListenError(
            f"will not listen on {host}: there are no keys, so anybody who reaches it "
            f"could use it. Listen on 127.0.0.1 and put a proxy in front"
        )
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
    """The address of a listening socket for a client."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
