"""What takes several calls: which comes after which answer.

A course is a generator that yields calls and is sent their answers. A client gives its
user every answer of a course, or only the last.
"""

import time
from collections.abc import Generator, Mapping
from typing import Any, TypeAlias, TypeVar, Unpack

from ..schemas.analysis import FINAL, Options
from .calls import Call, Filing, Filters, get, page, submit
from .shown import ShownAnalysis, ShownPage

T = TypeVar("T")

# One look while following: long enough to be cheap, short enough to show progress.
FOLLOW_SECONDS = 1.0
# One look while nobody looks: below the minute after which proxies give up.
WAIT_SECONDS = 30.0

Course: TypeAlias = Generator[Call[T], T, None]


def follow(analysis_id: str) -> Course[ShownAnalysis]:
    """The analysis about once a second; the last one is finished.

    An outage of the service or of its database is waited for.
    """
    yield from _looks(analysis_id, FOLLOW_SECONDS, float("inf"))


def wait(analysis_id: str, *, seconds: float = float("inf")) -> Course[ShownAnalysis]:
    """The analysis when it is finished, or as it is after `seconds`."""
    yield from _looks(analysis_id, WAIT_SECONDS, seconds)


def analyse(
    spec: Mapping[str, Any],
    *,
    options: Options | None = None,
    **filing: Unpack[Filing],
) -> Course[ShownAnalysis]:
    """Submits an architecture and waits for the end of its analysis.

    Args:
        spec: The architecture.
        options: How much work it may be.
        filing: As for `submit`.
    """
    analysis = yield submit(spec, options=options, wait_seconds=WAIT_SECONDS, **filing)
    if analysis.status not in FINAL:
        yield from wait(analysis.id)


def pages(**filters: Unpack[Filters]) -> Course[ShownPage]:
    """All pages of the analyses, newest first.

    Args:
        filters: As for `page`.
    """
    found = yield page(**filters)
    while found.next_cursor is not None:
        found = yield page(cursor=found.next_cursor, **filters)


def _looks(
    analysis_id: str, look_seconds: float, seconds: float
) -> Course[ShownAnalysis]:
    give_up_at = time.monotonic() + seconds
    left = seconds
    while True:
        wait_seconds = max(0, min(look_seconds, left))
        analysis = yield get(analysis_id, wait_seconds=wait_seconds)
        left = give_up_at - time.monotonic()
        if analysis.status in FINAL or left <= 0:
            return
