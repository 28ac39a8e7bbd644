"""Patience with a database that is out of reach for a while."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from .outages import is_outage

_logger = logging.getLogger(__name__)
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0

P = ParamSpec("P")
T = TypeVar("T")


def patient(call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Repeat a call until the database answers, for ever if need be.

    For the worker: an outage must cost waiting, never work. The call must mean the
    same when it is done twice, for a commit may succeed and its answer be lost.
    """

    async def until_answered(*args: P.args, **kwargs: P.kwargs) -> T:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await call(*args, **kwargs)
            except (DBAPIError, PoolTimeoutError, OSError) as error:
                if not is_outage(error):
                    raise
                reason = str(error).partition("\n")[0]
                _logger.warning("the database is out of reach: %s", reason)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    return until_answered
