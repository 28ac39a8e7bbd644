"""Waits for several pieces of work at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from .ports import TooLateError

T = TypeVar("T")


async def together(*work: Coroutine[Any, Any, T]) -> list[T]:
    """The results, in the order of the work.

    Raises:
        TooLateError: Some was not begun in time; what had begun has ended.
        Exception: The first that some work raised; the rest was cancelled.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_in_time(each)) for each in work]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [_begun(task.result()) for task in tasks]


async def _in_time(work: Coroutine[Any, Any, T]) -> T | TooLateError:
    try:
        return await work
    except TooLateError as error:
        return error


def _begun(result: T | TooLateError) -> T:
    if isinstance(result, TooLateError):
        raise result
    return result
