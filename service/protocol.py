"""What is no HTTP at all is refused like everything else: with problem+json."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .problems import problem_response

_CLOSE = {"Connection": "close"}


class Protocol(HttpToolsProtocol):
    """The web server's protocol, which would say it in plain text."""

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, and hang up."""
        problem = problem_response(400, "malformed_request", msg, headers=_CLOSE)
        lines = [b"HTTP/1.1 400 Bad Request"]
        lines += [b"%s: %s" % header for header in problem.raw_headers]
        head = b"\r\n".join(lines)
        self.transport.write(head + b"\r\n\r\n" + bytes(problem.body))
        self.transport.close()
