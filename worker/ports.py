"""What an analysis is given to do its work with, whoever runs it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from gradhealth.schemas.analysis import Progress

# Does a unit of work: (key, unit, arguments) -> reply. An analysis uses the same keys
# in the same order, whenever and wherever it is worked on.
RunUnit: TypeAlias = Callable[[str, str, dict[str, Any]], Awaitable[Any]]
# Takes how far the analysis is.
Report: TypeAlias = Callable[[Progress], Awaitable[None]]
