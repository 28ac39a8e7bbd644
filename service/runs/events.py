"""What a run tells while its batches come, as server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from fastapi.sse import ServerSentEvent

from gradhealth.schemas.run import Alert, RunProgress

from ..analyses.events import RETRY_MILLISECONDS
from ..watching import Watch


class RunEventService:
    """Streams of one service, which share one watch over the database."""

    def __init__(self, watch: Watch[RunProgress, Alert]) -> None:
        self._watch = watch

    async def stream(
        self, run_id: str, *, after: int, seconds: float
    ) -> AsyncIterator[ServerSentEvent]:
        """Alerts, each once and numbered; the newest progress.

        Args:
            run_id: A run that exists; the stream ends when it is deleted.
            after: Number of the last alert that the client has.
            seconds: When the stream ends otherwise, for a run has no end.
        """
        yield ServerSentEvent(retry=RETRY_MILLISECONDS)
        progress: RunProgress | None = None
        deadline = time.monotonic() + seconds
        async with aclosing(self._watch.follow(run_id)) as follower:
            with suppress(StopAsyncIteration, TimeoutError):
                while (left := deadline - time.monotonic()) > 0:
                    watched = await asyncio.wait_for(anext(follower), left)
                    for alert in watched.events[after:]:
                        after = alert.number
                        yield _told("alert", alert, number=str(after))
                    if watched.progress is not None and watched.progress != progress:
                        progress = watched.progress
                        yield _told("progress", progress)


def _told(
    name: str, what: Alert | RunProgress, number: str | None = None
) -> ServerSentEvent:
    return ServerSentEvent(event=name, raw_data=what.model_dump_json(), id=number)
