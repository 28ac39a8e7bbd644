"""What a post reaches, over real sockets."""

import socket
import ssl
from ipaddress import ip_address

import pytest
import trustme

from service.webhooks.posting import Answer, NoAnswerError, Poster
from service.webhooks.public_network import PublicNetwork, is_private_literal, is_public
from tests.support.receivers import Receiver


def poster(*addresses, allows_private=True, limit_seconds=5.0, ssl_context=None):
    """Posts where every name has the given addresses; notes the names it was asked."""
    asked = []

    async def resolve(host):
        asked.append(host)
        return addresses or [host]

    network = PublicNetwork(allows_private=allows_private, resolve=resolve)
    made = Poster(network, limit_seconds=limit_seconds, ssl_context=ssl_context)
    return made, asked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:1::",
    ],
)
def test_an_address_of_ones_own_network_is_not_public(address):
    assert not is_public(ip_address(address))
    assert is_private_literal(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(ip_address(address))
    assert not is_private_literal(address)


def test_names_of_this_machine_are_told_by_their_look():
    assert is_private_literal("localhost")
    assert is_private_literal("a.localhost")
    assert is_private_literal("[::1]")
    assert not is_private_literal("localhost.example.com")


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"]])
async def test_a_name_that_leads_inside_is_refused_and_not_connected_to(addresses):
    with Receiver() as receiver:
        post, asked = poster(*addresses, allows_private=False)
        with pytest.raises(NoAnswerError, match="not a public address"):
            await post.post(f"http://inside.example.com:{receiver.port}/", {}, b"{}")

    assert receiver.received == []
    assert asked == ["inside.example.com"]


async def test_a_name_is_asked_for_once_and_stays_in_the_request():
    with Receiver() as receiver:
        post, asked = poster("127.0.0.1")
        host = f"hooks.example.com:{receiver.port}"
        answer = await post.post(f"http://{host}/a?b=c", {"webhook-id": "1"}, b"{}")

    (received,) = receiver.received
    assert answer == Answer(204)
    assert asked == ["hooks.example.com"]
    assert received.path == "/a?b=c"
    assert received.headers["host"] == host
    assert received.body == b"{}"


async def test_a_certificate_is_checked_against_the_name():
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.com").configure_cert(serving)
    names = []
    serving.sni_callback = lambda _socket, name, _context: names.append(name)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with Receiver(ssl_context=serving) as receiver:
        post, _ = poster("127.0.0.1", ssl_context=trusting)
        url = f"https://hooks.example.com:{receiver.port}/"
        answer = await post.post(url, {}, b"{}")
        with pytest.raises(NoAnswerError, match="certificate"):
            await post.post(url.replace("hooks", "other"), {}, b"{}")

    assert answer.status == 204
    assert names == ["hooks.example.com", "other.example.com"]
    assert len(receiver.received) == 1


async def test_a_redirection_is_not_followed():
    with Receiver() as target:
        headers = {"Location": target.url}
        with Receiver(lambda _: 307, headers=headers) as receiver:
            post, _ = poster()
            answer = await post.post(receiver.url, {}, b"{}")

    assert answer.status == 307
    assert target.received == []


async def test_an_endless_answer_is_not_read():
    with Receiver(lambda _: 200, body=b"x" * 50_000_000) as receiver:
        post, _ = poster()
        answer = await post.post(receiver.url, {}, b"{}")

    assert answer.status == 200


async def test_silence_is_bounded():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        post, _ = poster(limit_seconds=0.2)
        with pytest.raises(NoAnswerError, match=r"no answer within 0\.2 s"):
            await post.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", {}, b"{}")


async def test_nobody_there_is_told():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    post, _ = poster()
    with pytest.raises(NoAnswerError):
        await post.post(f"http://127.0.0.1:{port}/", {}, b"{}")


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("120", 120.0), ("999999999999", 86_400.0), ("soon", 0.0), ("-5", 0.0)],
)
async def test_the_pause_that_is_asked_for_is_told(told, seconds):
    with Receiver(lambda _: 503, headers={"Retry-After": told}) as receiver:
        post, _ = poster()
        answer = await post.post(receiver.url, {}, b"{}")

    assert answer == Answer(503, seconds)
