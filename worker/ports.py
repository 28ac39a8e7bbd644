"""What an analysis is given to do its work with, whoever runs it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from gradhealth.schemas.event import News

# Does a unit of work: (key, unit, arguments) -> reply. An analysis uses the same keys
# in the same order, whenever and wherever it is worked on.
RunUnit: TypeAlias = Callable[[str, str, dict[str, Any]], Awaitable[Any]]
# Takes how far the analysis is, and what it has found so far: the same things in the
# same order, whenever and wherever it is worked on.
Report: TypeAlias = Callable[[News], Awaitable[None]]
