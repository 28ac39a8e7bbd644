"""Whether to ask again: what a client knows of its service, and one call's attempts."""

import random
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeAlias, TypeVar

import httpx
from pydantic import ValidationError

from .calls import Call
from .errors import RefusedError, ServerUnreachableError

T = TypeVar("T")

# What is refused so now may be granted in a moment.
PASSING = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
# Between attempts where the service names no time: doubled from the first to the last.
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.5, 8.0
# Clients that lost the same service do not all come back at the same moment.
JITTER = 0.5

Reply: TypeAlias = httpx.Response | httpx.TransportError


@dataclass(slots=True)
class Contact:
    """A service, as one client knows it.

    Attributes:
        server: Its address.
        patience_seconds: How long a call goes on asking.
        has_answered: Whether it ever did. A service that never answered is rather not
            there than away for a moment: it is not waited for.
    """

    server: str
    patience_seconds: float
    has_answered: bool = False


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """A call has what it asked for."""

    value: T


@dataclass(frozen=True, slots=True)
class Again:
    """A call is to be made once more, after a pause."""

    pause_seconds: float


class Attempts(Generic[T]):
    """One call until it is answered, refused for good, or patience ends.

    Every call may be repeated: those that change something carry a key or a number by
    which the service knows them again.
    """

    def __init__(self, call: Call[T], contact: Contact) -> None:
        self._call = call
        self._contact = contact
        self._num_failures = 0
        self._give_up_at = float("inf")

    def take(self, reply: Reply) -> Answered[T] | Again:
        """What to do after a reply.

        Raises:
            ServerUnreachableError: Nobody answers, or something else does.
            RefusedError: The answer is an error.
        """
        if isinstance(reply, httpx.TransportError):
            error = ServerUnreachableError(self._contact.server, str(reply))
            error.__cause__ = reply
            return self._again_after(error, passes=self._contact.has_answered)
        self._contact.has_answered = True
        if reply.is_success or self._was_deleted_before(reply):
            return Answered(self._read(reply))
        refusal = RefusedError(reply)
        return self._again_after(refusal, passes=refusal.status in PASSING)

    def _read(self, answer: httpx.Response) -> T:
        try:
            return self._call.read(answer)
        except ValidationError as error:
            raise ServerUnreachableError(
                self._contact.server, "what answers there is another service"
            ) from error

    def _was_deleted_before(self, reply: httpx.Response) -> bool:
        """Whether an earlier attempt did it, and only its answer was lost."""
        return (
            self._call.method == "DELETE"
            and reply.status_code == HTTPStatus.NOT_FOUND
            and self._num_failures > 0
        )

    def _again_after(
        self, error: RefusedError | ServerUnreachableError, *, passes: bool
    ) -> Again:
        now = time.monotonic()
        if not self._num_failures:
            self._give_up_at = now + self._contact.patience_seconds
        pause = self._pause_seconds(error)
        if not passes or now + pause > self._give_up_at:
            raise error
        self._num_failures += 1
        return Again(pause)

    def _pause_seconds(self, error: RefusedError | ServerUnreachableError) -> float:
        if isinstance(error, RefusedError) and error.retry_after_seconds is not None:
            return error.retry_after_seconds
        doubled: float = FIRST_PAUSE_SECONDS * 2**self._num_failures
        # Not a secret.
        return min(doubled, LAST_PAUSE_SECONDS) * random.uniform(1 - JITTER, 1)  # noqa: S311
