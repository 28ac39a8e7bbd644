"""`/v1/analyses/{id}/events`: progress, findings and trials while they come."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from ..dependencies import Events, FollowedId, LastEventId
from ..openapi import problems

router = APIRouter(prefix="/v1/analyses", tags=["analyses"])


@router.get(
    "/{analysis_id}/events",
    summary="Follow an analysis as server-sent events",
    description="`progress` {phase, done, total} with each change, `finding` and "
    "`trial` {name, title, trial} as soon as they are known, at last `done` {status, "
    "verdict, summary, error}. Findings and trials carry an id: after a broken "
    "connection send the last one as `Last-Event-ID`, as browsers do.",
    response_class=EventSourceResponse,
    responses=problems(403, 404, 422, 503),
)
async def follow_analysis(
    analysis_id: FollowedId, events: Events, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    async for event in events.stream(analysis_id, after=last_event_id or 0):
        yield event
