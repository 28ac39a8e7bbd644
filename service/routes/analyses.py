"""`/v1/analyses`: submit, read, list, cancel, delete."""

from fastapi import APIRouter, Response, status

from gradhealth.schemas.analysis import FINAL, Analysis, AnalysisPage

from ..access import CallerOf
from ..dependencies import (
    Analyses,
    AnalysisBody,
    AnalysisId,
    IdempotencyKey,
    Listing,
    Store,
    WaitSeconds,
)
from ..openapi import analysis_request_body, problems

router = APIRouter(prefix="/v1/analyses", tags=["analyses"])

# How long a client does well to wait before it looks again.
RETRY_AFTER = "1"


@router.post(
    "",
    summary="Analyse an architecture, or a trace of a run",
    status_code=status.HTTP_202_ACCEPTED,
    response_description="Accepted: look at `Location` until it is finished.",
    responses=problems(400, 403, 409, 413, 415, 422, 429, 503)
    | {
        200: {"model": Analysis, "description": "Finished in time."},
        201: {"model": Analysis, "description": "A trace was judged and is kept."},
    },
    openapi_extra=analysis_request_body(),
)
async def submit_analysis(
    body: AnalysisBody,
    analyses: Analyses,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    wait: WaitSeconds = 0,
) -> Analysis:
    analysis = await analyses.submit(
        body, idempotency_key=idempotency_key, wait_seconds=wait
    )
    response.headers["Location"] = analysis.links.self
    if analysis.kind == "trace":
        response.status_code = status.HTTP_201_CREATED
    elif analysis.status in FINAL:
        response.status_code = status.HTTP_200_OK
    else:
        response.headers["Retry-After"] = RETRY_AFTER
    return analysis


@router.get(
    "", summary="List analyses, newest first", responses=problems(403, 422, 503)
)
async def list_analyses(store: Store, caller: CallerOf, query: Listing) -> AnalysisPage:
    return await store.page(
        project=query.project and caller.meant(query.project),
        status=query.status,
        verdict=query.verdict,
        label=query.label_pair,
        limit=query.limit,
        cursor=query.cursor,
    )


@router.get(
    "/{analysis_id}",
    summary="Read an analysis",
    responses=problems(403, 404, 422, 503),
)
async def read_analysis(
    analysis_id: AnalysisId, analyses: Analyses, wait: WaitSeconds = 0
) -> Analysis:
    return await analyses.find(analysis_id, wait_seconds=wait)


@router.post(
    "/{analysis_id}/cancel",
    summary="Cancel an analysis; a finished one stays as it is",
    responses=problems(403, 404, 422, 503),
)
async def cancel_analysis(analysis_id: AnalysisId, analyses: Analyses) -> Analysis:
    return await analyses.cancel(analysis_id)


@router.delete(
    "/{analysis_id}",
    summary="Delete an analysis; a running one is cancelled first",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(403, 404, 422, 503),
)
async def delete_analysis(analysis_id: AnalysisId, analyses: Analyses) -> None:
    await analyses.delete(analysis_id)
