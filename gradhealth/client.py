"""A client of the service: submit a spec, follow the work, read the result."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from .exceptions import GradHealthError, Problem
from .schemas.analysis import FINAL, Analysis, AnalysisPage, Options

# One look while following: long enough to be cheap, short enough to show progress.
FOLLOW_SECONDS = 1.0
ANSWER_SECONDS = 30.0
CONNECT_RETRIES = 2


class ServerUnreachableError(GradHealthError):
    """The service does not answer."""

    code = "server_unreachable"

    def __init__(self, server: str, reason: str) -> None:
        self.server = server
        super().__init__(
            f"no answer from {server} ({reason}): is the service running there? "
            "`gradhealth up` starts one"
        )


class RefusedError(GradHealthError):
    """The service refused a request.

    Attributes:
        status: HTTP status code.
        problems: The single mistakes, with pointers into the body as sent.
    """

    code = "refused"

    def __init__(self, status: int, detail: str, problems: list[Problem]) -> None:
        self.status = status
        self.problems = problems
        super().__init__(f"the service refused ({status}): {detail}")


class Client:
    """Talks to one service; usable as a context manager.

    Args:
        server: The service's address, e.g. `http://127.0.0.1:8000`.
        transport: How requests travel, if not over the network.

    Every method raises `ServerUnreachableError` when nobody answers and
    `RefusedError` when the answer is an error.
    """

    def __init__(
        self, server: str, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._server = server
        self._http = httpx.Client(
            base_url=server,
            timeout=ANSWER_SECONDS,
            transport=transport or httpx.HTTPTransport(retries=CONNECT_RETRIES),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def submit(
        self,
        spec: Mapping[str, Any],
        *,
        options: Options | None = None,
        project: str = "default",
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Analysis:
        """Asks for the analysis of an architecture.

        Args:
            spec: The architecture.
            options: How much work it may be.
            project: Where it belongs.
            labels: Anything to find it by.
            idempotency_key: With the same key and request, the same analysis is
                returned, so that a request can be repeated after a broken connection.
        """
        body = {
            "kind": "architecture",
            "spec": spec,
            "options": (options or Options()).model_dump(mode="json"),
            "project": project,
            "labels": dict(labels or {}),
        }
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = self._send("POST", "/v1/analyses", json=body, headers=headers)
        return _analysis(answer)

    def get(self, analysis_id: str, *, wait_seconds: float = 0) -> Analysis:
        """The analysis as it is when it is finished, or after `wait_seconds`."""
        answer = self._send(
            "GET",
            f"/v1/analyses/{analysis_id}",
            params={"wait": wait_seconds},
            timeout=wait_seconds + ANSWER_SECONDS,
        )
        return _analysis(answer)

    def follow(self, analysis_id: str) -> Iterator[Analysis]:
        """The analysis about once a second; the last one is finished."""
        while True:
            analysis = self.get(analysis_id, wait_seconds=FOLLOW_SECONDS)
            yield analysis
            if analysis.status in FINAL:
                return

    def page(self, **filters: str | int) -> AnalysisPage:
        """One page of the analyses, newest first.

        Args:
            filters: `project`, `status`, `verdict`, `label` ("key:value"), `limit`,
                and `cursor`, the `next_cursor` of the page before.
        """
        answer = self._send("GET", "/v1/analyses", params=filters)
        return AnalysisPage.model_validate_json(answer.content, extra="ignore")

    def cancel(self, analysis_id: str) -> Analysis:
        """Stops the work; a finished analysis stays as it is."""
        return _analysis(self._send("POST", f"/v1/analyses/{analysis_id}/cancel"))

    def delete(self, analysis_id: str) -> None:
        """Stops the work and forgets the analysis."""
        self._send("DELETE", f"/v1/analyses/{analysis_id}")

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **arguments)
        except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
            raise ServerUnreachableError(self._server, str(error)) from error
        if answer.is_error:
            raise _refusal(answer)
        return answer


def _analysis(answer: httpx.Response) -> Analysis:
    # A newer service may say more than this client knows.
    return Analysis.model_validate_json(answer.content, extra="ignore")


def _refusal(answer: httpx.Response) -> RefusedError:
    try:
        body = answer.json()
        problems = [Problem(**problem) for problem in body["errors"]]
        return RefusedError(answer.status_code, body["detail"], problems)
    except (ValueError, KeyError, TypeError):
        # A proxy in between answers in its own words.
        return RefusedError(answer.status_code, answer.reason_phrase, [])
