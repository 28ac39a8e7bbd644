"""The client for programs that wait: scripts, notebooks, the command line."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import wraps
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx

from . import calls, courses, webhook_calls
from .calls import Call
from .connection import (
    ANSWER_SECONDS,
    CONNECT_RETRIES,
    PATIENCE_SECONDS,
    connection_to,
    request_for,
)
from .contact import Answered, Attempts, Contact, Reply
from .courses import Course

P = ParamSpec("P")
T = TypeVar("T")


def _answer(
    describe: Callable[P, Call[T]],
) -> "Callable[Concatenate[Client, P], T]":
    """A method that makes a call."""

    @wraps(describe)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.send(describe(*args, **kwargs))

    return method


def _each_answer(
    describe: Callable[P, Course[T]],
) -> "Callable[Concatenate[Client, P], Iterator[T]]":
    """A method that gives every answer of a course."""

    @wraps(describe)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return client.run(describe(*args, **kwargs))

    return method


def _last_answer(
    describe: Callable[P, Course[T]],
) -> "Callable[Concatenate[Client, P], T]":
    """A method that gives the answer with which a course ends."""

    @wraps(describe)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return deque(client.run(describe(*args, **kwargs)), maxlen=1)[0]

    return method


class Client:
    """Talks to one service; usable as a context manager.

    Args:
        server: The service's address, e.g. `http://127.0.0.1:8000`.
        patience_seconds: How long a call goes on asking a service that is busy or, once
            it has answered, away. It waits as long as `Retry-After` says, and repeats
            change nothing twice.
        answer_seconds: How long each attempt waits for its answer.
        api_key: Sent with each call, when the service asks for keys.
        transport: How requests travel, if not over the network.

    Every method raises `ServerUnreachableError` when nobody answers and
    `RefusedError` when the answer is an error.
    """

    def __init__(
        self,
        server: str,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        api_key: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._contact = Contact(server, patience_seconds)
        self._http = httpx.Client(
            **connection_to(server, api_key, answer_seconds),
            transport=transport or httpx.HTTPTransport(retries=CONNECT_RETRIES),
        )

    submit = _answer(calls.submit)
    predict = _answer(calls.predict)
    judge = _answer(calls.judge)
    submit_log = _answer(calls.submit_log)
    runs_in_file = _answer(calls.runs_in_file)
    get = _answer(calls.get)
    page = _answer(calls.page)
    cancel = _answer(calls.cancel)
    delete = _answer(calls.delete)
    report = _answer(calls.report)
    compare = _answer(calls.compare)
    create_run = _answer(calls.create_run)
    add_batch = _answer(calls.add_batch)
    webhooks = _answer(webhook_calls.webhooks)
    deliveries = _answer(webhook_calls.deliveries)
    replay = _answer(webhook_calls.replay)
    analyse = _last_answer(courses.analyse)
    judge_log = _last_answer(courses.judge_log)
    wait = _last_answer(courses.wait)
    follow = _each_answer(courses.follow)
    pages = _each_answer(courses.pages)

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

    def send(self, call: Call[T]) -> T:
        """The answer to a call, asked for as often as it takes."""
        attempts = Attempts(call, self._contact)
        while True:
            outcome = attempts.take(self._exchange(call))
            if isinstance(outcome, Answered):
                return outcome.value
            time.sleep(outcome.pause_seconds)

    def run(self, course: Course[T]) -> Iterator[T]:
        """The answers to all calls of a course."""
        try:
            call = next(course)
            while True:
                answer = self.send(call)
                yield answer
                call = course.send(answer)
        except StopIteration:
            return

    def _exchange(self, call: Call[T]) -> Reply:
        try:
            return self._http.send(request_for(call, self._http))
        except httpx.TransportError as error:
            return error
