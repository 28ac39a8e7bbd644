"""GitHub's API on this machine, as far as comments go."""

import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit


class FakeGithub:
    """The comments of one pull request; `url` is the API's address."""

    def __init__(self, url):
        self.url = url
        self.comments = []
        self.tokens = set()

    def add(self, body, kind="User"):
        comment = {"id": len(self.comments), "body": body, "user": {"type": kind}}
        self.comments.append(comment)
        return comment


@contextmanager
def running_github():
    """A server for the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = parse_qs(urlsplit(self.path).query)
            size, page = int(query["per_page"][0]), int(query["page"][0])
            assert re.search(r"/repos/our/nets/issues/7/comments\?", self.path)
            self.answer(200, github.comments[(page - 1) * size : page * size])

        def do_POST(self):
            assert self.path == "/repos/our/nets/issues/7/comments"
            self.answer(201, github.add(self.body(), "Bot"))

        def do_PATCH(self):
            number = re.fullmatch(r"/repos/our/nets/issues/comments/(\d+)", self.path)
            comment = github.comments[int(number[1])]
            comment["body"] = self.body()
            self.answer(200, comment)

        def body(self):
            length = int(self.headers["Content-Length"])
            return json.loads(self.rfile.read(length))["body"]

        def answer(self, status, document):
            github.tokens.add(self.headers["Authorization"])
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        github = FakeGithub(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()
