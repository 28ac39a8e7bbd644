"""What an analysis tells on its way, as server-sent events."""

from collections.abc import AsyncIterator

from fastapi.sse import ServerSentEvent

from gradhealth.schemas.analysis import Progress
from gradhealth.schemas.event import Event
from gradhealth.schemas.finding import Finding

from ..watching import Watch

# How long a client does well to wait before it connects anew.
RETRY_MILLISECONDS = 1000


class EventService:
    """Streams of one service, which share one watch over the database."""

    def __init__(self, watch: Watch[Progress, Event]) -> None:
        self._watch = watch

    async def stream(
        self, analysis_id: str, *, after: int
    ) -> AsyncIterator[ServerSentEvent]:
        """Findings and trials, each once; the newest progress; at last how it ended.

        Findings and trials are numbered, and a stream goes on behind the number it is
        given. The stream of a deleted analysis ends without `done`.

        Args:
            analysis_id: An analysis that exists.
            after: Number of the last event that the client has.
        """
        yield ServerSentEvent(retry=RETRY_MILLISECONDS)
        progress: Progress | None = None
        async for watched in self._watch.follow(analysis_id):
            for event in watched.events[after:]:
                after += 1
                yield _numbered(event, after)
            if watched.done is not None:
                yield _plain("done", watched.done.model_dump_json())
            elif watched.progress is not None and watched.progress != progress:
                progress = watched.progress
                yield _plain("progress", progress.model_dump_json())


def _numbered(event: Event, number: int) -> ServerSentEvent:
    name = "finding" if isinstance(event, Finding) else "trial"
    return ServerSentEvent(event=name, raw_data=event.model_dump_json(), id=str(number))


def _plain(name: str, text: str) -> ServerSentEvent:
    return ServerSentEvent(event=name, raw_data=text)
