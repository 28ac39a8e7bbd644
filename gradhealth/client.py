"""A client of the service: submit a spec, follow the work, read the result."""

import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import ValidationError

from .batches import CONTENT_TYPE
from .document import Record
from .exceptions import GradHealthError, Problem
from .schemas.analysis import FINAL, Analysis, AnalysisPage, Options
from .schemas.trace import TracedLayer

# One look while following: long enough to be cheap, short enough to show progress.
FOLLOW_SECONDS = 1.0
ANSWER_SECONDS = 30.0
CONNECT_RETRIES = 2
RETRY_SECONDS = 0.5
# What is refused so now may be granted in a moment.
PASSING = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
# A proxy is of no use on the way to one's own machine.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

T = TypeVar("T", bound=Record)


class _RunId(Record):
    id: str


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


class UnreadableKeyError(GradHealthError):
    """The file that should hold the key cannot be read."""

    code = "unreadable_key"


def key_in(environment: Mapping[str, str]) -> str | None:
    """The key in `GRADHEALTH_API_KEY`, or in the file `GRADHEALTH_API_KEY_FILE`.

    Raises:
        UnreadableKeyError: There is no such file, or it may not be read.
    """
    file = environment.get("GRADHEALTH_API_KEY_FILE")
    if file is None:
        return environment.get("GRADHEALTH_API_KEY")
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        message = f"cannot read the key of GRADHEALTH_API_KEY_FILE: {error}"
        raise UnreadableKeyError(message) from error


class Client:
    """Talks to one service; usable as a context manager.

    Args:
        server: The service's address, e.g. `http://127.0.0.1:8000`.
        patience_seconds: How long `follow` waits for a service that is away.
        answer_seconds: How long each call waits for its answer.
        api_key: Sent with each call, when the service asks for keys.
        transport: How requests travel, if not over the network.

    Every method raises `ServerUnreachableError` when nobody answers and
    `RefusedError` when the answer is an error.
    """

    def __init__(
        self,
        server: str,
        *,
        patience_seconds: float = 30.0,
        answer_seconds: float = ANSWER_SECONDS,
        api_key: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._server = server
        self._patience_seconds = patience_seconds
        self._http = httpx.Client(
            base_url=server,
            timeout=answer_seconds,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            transport=transport or httpx.HTTPTransport(retries=CONNECT_RETRIES),
            trust_env=httpx.URL(server).host not in LOOPBACK,
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
        return self._read(answer, Analysis)

    def get(self, analysis_id: str, *, wait_seconds: float = 0) -> Analysis:
        """The analysis as it is when it is finished, or after `wait_seconds`."""
        answer = self._send(
            "GET",
            f"/v1/analyses/{analysis_id}",
            params={"wait": wait_seconds},
            timeout=wait_seconds + ANSWER_SECONDS,
        )
        return self._read(answer, Analysis)

    def follow(self, analysis_id: str) -> Iterator[Analysis]:
        """The analysis about once a second; the last one is finished.

        An outage of the service or of its database is waited for.
        """
        give_up_at = time.monotonic() + self._patience_seconds
        while True:
            try:
                analysis = self.get(analysis_id, wait_seconds=FOLLOW_SECONDS)
            except (ServerUnreachableError, RefusedError) as error:
                if not _may_pass(error) or time.monotonic() > give_up_at:
                    raise
                time.sleep(RETRY_SECONDS)
                continue
            yield analysis
            if analysis.status in FINAL:
                return
            give_up_at = time.monotonic() + self._patience_seconds

    def page(self, **filters: str | int) -> AnalysisPage:
        """One page of the analyses, newest first.

        Args:
            filters: `project`, `status`, `verdict`, `label` ("key:value"), `limit`,
                and `cursor`, the `next_cursor` of the page before.
        """
        answer = self._send("GET", "/v1/analyses", params=filters)
        return self._read(answer, AnalysisPage)

    def cancel(self, analysis_id: str) -> Analysis:
        """Stops the work; a finished analysis stays as it is."""
        answer = self._send("POST", f"/v1/analyses/{analysis_id}/cancel")
        return self._read(answer, Analysis)

    def delete(self, analysis_id: str) -> None:
        """Stops the work and forgets the analysis."""
        self._send("DELETE", f"/v1/analyses/{analysis_id}")

    def create_run(
        self,
        name: str,
        *,
        layers: Sequence[TracedLayer],
        config: Mapping[str, Any],
        idempotency_key: str,
    ) -> str:
        """Announces a training that will send batches.

        Args:
            name: For people.
            layers: In the order of the batches' columns.
            config: What is known about the run beside its numbers.
            idempotency_key: With the same key it is the same run.

        Returns:
            The run's id.
        """
        body = {
            "name": name,
            "layers": [layer.model_dump() for layer in layers],
            "config": dict(config),
        }
        headers = {"Idempotency-Key": idempotency_key}
        answer = self._send("POST", "/v1/runs", json=body, headers=headers)
        return self._read(answer, _RunId).id

    def add_batch(self, run_id: str, batch: bytes) -> None:
        """Sends one batch in its binary form; a repeat changes nothing."""
        self._send(
            "POST",
            f"/v1/runs/{run_id}/batches",
            content=batch,
            headers={"Content-Type": CONTENT_TYPE},
        )

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **arguments)
        except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
            raise ServerUnreachableError(self._server, str(error)) from error
        if answer.is_error:
            raise _refusal(answer)
        return answer

    def _read(self, answer: httpx.Response, model: type[T]) -> T:
        try:
            # A newer service may say more than this client knows.
            return model.model_validate_json(answer.content, extra="ignore")
        except ValidationError as error:
            raise ServerUnreachableError(
                self._server, "what answers there is another service"
            ) from error


def _may_pass(error: ServerUnreachableError | RefusedError) -> bool:
    return isinstance(error, ServerUnreachableError) or error.status in PASSING


def _refusal(answer: httpx.Response) -> RefusedError:
    try:
        body = answer.json()
        problems = [Problem(**problem) for problem in body["errors"]]
        return RefusedError(answer.status_code, body["detail"], problems)
    except (ValueError, KeyError, TypeError):
        # A proxy in between answers in its own words.
        return RefusedError(answer.status_code, answer.reason_phrase, [])
