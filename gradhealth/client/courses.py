"""What takes several calls: which comes after which answer.

A course is a generator that yields calls and is sent their answers. A client gives its
user every answer of a course, or only the last.
"""

import time
from collections.abc import Generator, Mapping
from typing import Any, TypeAlias, TypeVar, Unpack

from ..schemas.analysis import FINAL, Options, TraceOptions
from .calls import (
    Call,
    Filing,
    Filters,
    Sending,
    get,
    page,
    runs_in_file,
    submit,
    submit_log,
)
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
    seconds: float = float("inf"),
    **filing: Unpack[Filing],
) -> Course[ShownAnalysis]:
    """Submits an architecture and waits for the end of its analysis.

    Args:
        spec: The architecture.
        options: How much work it may be.
        seconds: How long to wait; then it is given as it is, and goes on.
        filing: As for `submit`.
    """
    give_up_at = time.monotonic() + seconds
    first = min(WAIT_SECONDS, seconds)
    analysis = yield submit(spec, options=options, wait_seconds=first, **filing)
    if analysis.status not in FINAL:
        yield from wait(analysis.id, seconds=max(0.0, give_up_at - time.monotonic()))


def judge_log(
    content: bytes,
    *,
    options: TraceOptions | None = None,
    wait_seconds: float = 0,
    seconds: float = float("inf"),
    **sending: Unpack[Sending],
) -> Course[list[ShownAnalysis]]:
    """Sends a log and waits for the analyses of all runs in it.

    Args:
        content: The file, at most 64 MiB; it may be a gzip.
        options: By what it is judged, and its name as `source.path`.
        wait_seconds: What reading a small one may take on top of a usual answer's time.
        seconds: How long to wait for a worker that reads a large one; the analyses are
            then as they are.
        sending: As for `submit_log`.
    """
    give_up_at = time.monotonic() + seconds
    analyses = yield submit_log(
        content, options=options, wait_seconds=wait_seconds, **sending
    )
    if analyses[0].status in FINAL:
        return
    all_runs = runs_in_file(analyses[0].id)
    while analyses[0].status not in FINAL:
        left = give_up_at - time.monotonic()
        if left <= 0:
            return
        analyses = yield _one_of(all_runs, analyses[0].id, min(WAIT_SECONDS, left))
    yield all_runs


def pages(**filters: Unpack[Filters]) -> Course[ShownPage]:
    """All pages of the analyses, newest first.

    Args:
        filters: As for `page`.
    """
    found = yield page(**filters)
    while found.next_cursor is not None:
        found = yield page(cursor=found.next_cursor, **filters)


def _one_of(all_runs: Call[T], analysis_id: str, wait_seconds: float) -> Call[T]:
    """A look at one analysis, read as if it were all: alone, or in a list."""
    one = get(analysis_id, wait_seconds=wait_seconds)
    return Call(
        one.method,
        one.path,
        all_runs.read,
        params=one.params,
        wait_seconds=one.wait_seconds,
    )


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
