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


@pytest.mark.parametrize(
    ("host", "client"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")]
)
def test_what_listens_everywhere_is_reached_on_this_machine(host, client):
    with listen(host, 0) as listener:
        assert url_of(listener).startswith(f"http://{client}:")


def test_an_address_of_another_machine_is_an_error():
    with pytest.raises(CannotListenError, match=r"cannot listen on 192\.0\.2\.1:0"):
        listen("192.0.2.1", 0)
