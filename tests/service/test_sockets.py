import socket

import pytest

from service.sockets import CannotListenError, listen, url_of


def test_a_free_port_is_taken_and_told():
    with listen("127.0.0.1", 0) as listener:
        url = url_of(listener)
        with socket.create_connection(listener.getsockname(), timeout=1):
            pass

    assert url == f"http://127.0.0.1:{url.rpartition(':')[2]}"


def test_a_port_in_use_is_an_error_that_says_what_to_do():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(CannotListenError, match=f"{port}.*--port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com"])
def test_without_keys_it_does_not_listen_to_others(host):
    with pytest.raises(CannotListenError, match="no keys"):
        listen(host, 0)
