"""A receiver of webhooks: a real HTTP server that keeps what it is sent."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict
    body: bytes

    @property
    def id(self):
        return self.headers["webhook-id"]

    def opened(self, secret):
        """The event, if the signature is right: by the reference's own verifier."""
        return Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """Answers what `answer` says: it takes how many came before, gives a status.

    Args:
        headers: Of every answer.
        body: Of every answer.
        ssl_context: Speaks TLS with it.
    """

    def __init__(
        self, answer=lambda _count: 204, *, headers=(), body=b"", ssl_context=None
    ):
        self.received = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                count = len(outer.received)
                outer.received.append(
                    Received(self.path, headers, self.rfile.read(length))
                )
                self.send_response(answer(count))
                for name, value in headers_of_answers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        headers_of_answers = dict(headers)
        self._server = Server(("127.0.0.1", 0), Handler)
        if ssl_context is not None:
            self._server.socket = ssl_context.wrap_socket(
                self._server.socket, server_side=True
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, number, seconds=20.0):
        """What came, as soon as there are so many."""
        deadline = time.monotonic() + seconds
        while len(self.received) < number:
            assert time.monotonic() < deadline, self.received
            time.sleep(0.01)
        return list(self.received)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away early is part of what is tested."""
