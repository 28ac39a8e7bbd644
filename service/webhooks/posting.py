"""Posts to addresses that others chose: bounded in time, following nothing.

Of an answer only the status is taken. Its body is not read, so it costs no memory, and
nobody can read through us what a server says to us.
"""

import asyncio
import email.utils
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import httpcore
import httpx

from .public_network import PrivateTargetError, PublicNetwork

# Longer pauses than that are not believed.
MOST_RETRY_AFTER = 86_400.0


class NoAnswerError(Exception):
    """There was no answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        retry_after: Seconds it wants to be left alone; 0 when it says nothing.
    """

    status: int
    retry_after: float = 0.0


class Poster:
    """Posts to other servers, with a connection for each post.

    Args:
        network: Connects to them.
        limit_seconds: What a post may take.
        ssl_context: Whom to trust.
    """

    def __init__(
        self,
        network: PublicNetwork,
        *,
        limit_seconds: float,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._network = network
        self._limit_seconds = limit_seconds
        self._ssl_context = ssl_context

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        # With the first post: it takes 40 ms, and most services have no webhook.
        return self._ssl_context or httpx.create_ssl_context()

    def _connection(self) -> httpcore.AsyncConnectionPool:
        # No proxy, whatever the environment says: it would resolve names anew.
        return httpcore.AsyncConnectionPool(
            ssl_context=self._trusted, network_backend=self._network, max_connections=1
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post a body; a redirection is an answer like any other.

        Raises:
            NoAnswerError: There was none in time.
        """
        try:
            async with (
                asyncio.timeout(self._limit_seconds),
                self._connection() as connection,
                connection.stream(
                    "POST", url, headers=[*headers.items()], content=body
                ) as answer,
            ):
                told = httpx.Headers(answer.headers).get("retry-after", "")
                return Answer(answer.status, _seconds(told))
        except TimeoutError as error:
            limit = self._limit_seconds
            raise NoAnswerError(f"no answer within {limit:g} s") from error
        except PrivateTargetError as error:
            raise NoAnswerError(str(error)) from error
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
        ) as error:
            raise NoAnswerError(str(error) or type(error).__name__) from error


def _seconds(retry_after: str) -> float:
    """The pause that a Retry-After asks for, in seconds or as a date."""
    if retry_after.isdigit():
        return min(float(retry_after[:9]), MOST_RETRY_AFTER)
    try:
        moment = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0), MOST_RETRY_AFTER)
