"""A service of live runs in miniature: a real HTTP server that can be made to fail."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gradhealth.batches.batch import Batch
from gradhealth.batches.packing import CONTENT_TYPE


class RunServer:
    """Keeps what it accepts; `answer` decides about each request before that.

    Attributes:
        answer: Takes the path and how many requests came before it, and gives an HTTP
            status; 200 accepts.
        runs: Announcements by id.
        batches: By id, by sequence number.
        keys: Authorization headers that were sent.
    """

    def __init__(self, *, port=0, answer=lambda _path, _count: 200, seconds=0.0):
        self.answer, self.seconds = answer, seconds
        self.runs, self.batches, self.keys = {}, {}, []
        self.count = 0
        self._ids = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, document = outer.take(self.path, self.headers, body)
                text = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, path, headers, body):
        time.sleep(self.seconds)
        status = self.answer(path, self.count)
        self.count += 1
        self.keys.append(headers["Authorization"])
        if status != 200:
            return status, {"detail": "not now", "errors": []}
        if path == "/v1/runs":
            run_id = self._ids.setdefault(
                headers["Idempotency-Key"], f"run-{len(self._ids)}"
            )
            self.runs[run_id] = json.loads(body)
            return 201, {"id": run_id, "name": self.runs[run_id]["name"]}
        assert headers["Content-Type"] == CONTENT_TYPE
        batch = Batch.from_binary(body)
        run_id = path.split("/")[3]
        self.batches.setdefault(run_id, {})[batch.sequence] = batch
        return 200, {}

    def steps(self, run_id="run-0"):
        """All steps that arrived, in the order of the batches' numbers."""
        batches = sorted(self.batches.get(run_id, {}).items())
        return [step for _, batch in batches for step in batch.steps.tolist()]
