"""What an analysis is given to do its work with, whoever runs it."""

import math
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from gradhealth.schemas.event import News

# Takes how far the analysis is, and what it has found so far: the same things in the
# same order, whenever and wherever it is worked on.
Report: TypeAlias = Callable[[News], Awaitable[None]]


class TooLateError(Exception):
    """A unit was not begun in time, and will not be."""


class RunUnit(Protocol):
    """Does units of work; those asked for at once may be done at once, anywhere."""

    async def __call__(
        self,
        key: str,
        unit: str,
        arguments: dict[str, Any],
        *,
        begin_before: float = math.inf,
    ) -> Any:
        """Do a unit and return its reply.

        Args:
            key: Names the unit within its analysis, whenever it is worked on.
            unit: Which work.
            arguments: What to do it with.
            begin_before: Moment of the monotonic clock.

        Raises:
            TooLateError: It could not be begun before that moment.
        """
