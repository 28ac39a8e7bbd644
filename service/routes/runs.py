"""`/v1/runs`: announce a run, send its batches, read the diagnosis so far."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Response, status
from fastapi.sse import EventSourceResponse, ServerSentEvent

from gradhealth.schemas.run import Receipt, Run, RunPage

from ..access.authentication import CallerOf
from ..dependencies import (
    BatchBody,
    Batches,
    FollowedRunId,
    IdempotencyKey,
    KnownRuns,
    LastEventId,
    RunBody,
    RunEvents,
    RunId,
    RunListing,
    Runs,
    StreamSeconds,
)
from ..openapi import batch_request_body, problems, run_request_body

router = APIRouter(prefix="/v1/runs", tags=["runs"])


@router.post(
    "",
    summary="Announce a run that will send batches",
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 403, 409, 413, 415, 422, 503),
    openapi_extra=run_request_body(),
)
async def announce_run(
    body: RunBody,
    runs: Runs,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Run:
    run = await runs.announce(body, idempotency_key=idempotency_key)
    response.headers["Location"] = run.links.self
    return run


@router.post(
    "/{run_id}/batches",
    summary="Send the next steps of a run; a repeat changes nothing",
    description="In the order of `sequence` and steps; numbers may be left out. "
    "`Content-Encoding: gzip` is understood. Ten steps or more cost least.",
    responses=problems(400, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=batch_request_body(),
)
async def append_batch(run_id: RunId, batch: BatchBody, batches: Batches) -> Receipt:
    return await batches.append(run_id, batch)


@router.get("", summary="List runs, newest first", responses=problems(403, 422, 503))
async def list_runs(store: KnownRuns, caller: CallerOf, query: RunListing) -> RunPage:
    return await store.page(
        project=query.project and caller.meant(query.project),
        limit=query.limit,
        cursor=query.cursor,
    )


@router.get(
    "/{run_id}",
    summary="Read a run and the diagnosis so far",
    responses=problems(403, 404, 422, 503),
)
async def read_run(run_id: RunId, runs: Runs) -> Run:
    return await runs.find(run_id)


@router.get(
    "/{run_id}/events",
    summary="Follow a run as server-sent events",
    description="`progress` {num_steps, last_step, judged_step, verdict, summary} with "
    "each change, `alert` {number, at, state, problem, severity, step, finding} when a "
    "problem is raised or cleared. Alerts carry an id: after a broken connection send "
    "the last one as `Last-Event-ID`, as browsers do. A run has no end: a stream ends "
    "after `seconds`, and clients connect anew.",
    response_class=EventSourceResponse,
    responses=problems(403, 404, 422, 503),
)
async def follow_run(
    run_id: FollowedRunId,
    events: RunEvents,
    last_event_id: LastEventId = None,
    seconds: StreamSeconds = 3600,
) -> AsyncIterator[ServerSentEvent]:
    after = last_event_id or 0
    async for event in events.stream(run_id, after=after, seconds=seconds):
        yield event


@router.delete(
    "/{run_id}",
    summary="Delete a run with all its numbers",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(403, 404, 422, 503),
)
async def delete_run(run_id: RunId, runs: Runs) -> None:
    await runs.delete(run_id)
