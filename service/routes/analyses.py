"""`/v1/analyses`: submit, read, list, cancel, delete."""

from fastapi import APIRouter, Response, status

from gradhealth.schemas.analysis import FINAL, Analysis, AnalysisPage

from ..dependencies import (
    Analyses,
    AnalysisBody,
    AnalysisId,
    Documents,
    IdempotencyKey,
    Listing,
    Logs,
    WaitSeconds,
)
from ..openapi import analysis_request_body, problems

router = APIRouter(prefix="/v1/analyses", tags=["analyses"])

# How long a client does well to wait before it looks again.
RETRY_AFTER = "1"
JSON = "application/json"


@router.post(
    "",
    summary="Analyse an architecture, or a trace of a run",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Analysis,
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
    idempotency_key: IdempotencyKey = None,
    wait: WaitSeconds = 0,
) -> Response:
    analysis = await analyses.submit(
        body, idempotency_key=idempotency_key, wait_seconds=wait
    )
    headers = {"Location": analysis.links.self}
    status_code = status.HTTP_202_ACCEPTED
    if analysis.kind == "trace":
        status_code = status.HTTP_201_CREATED
    elif analysis.status in FINAL:
        status_code = status.HTTP_200_OK
    else:
        headers["Retry-After"] = RETRY_AFTER
    # As it is: the framework would validate it once more.
    return Response(analysis.model_dump_json(), status_code, headers, media_type=JSON)


@router.get(
    "",
    summary="List analyses, newest first",
    response_model=AnalysisPage,
    responses=problems(403, 422, 503),
)
async def list_analyses(documents: Documents, query: Listing) -> Response:
    return Response(await documents.page(query), media_type=JSON)


@router.get(
    "/{analysis_id}",
    summary="Read an analysis",
    response_model=Analysis,
    responses=problems(403, 404, 422, 503),
)
async def read_analysis(
    analysis_id: AnalysisId, documents: Documents, wait: WaitSeconds = 0
) -> Response:
    document = await documents.read(analysis_id, wait_seconds=wait)
    return Response(document, media_type=JSON)


@router.get(
    "/{analysis_id}/runs",
    summary="List the analyses of all runs in the same log",
    description="In the order of the file; there is no further page. An analysis that "
    "came from no file is alone.",
    responses=problems(403, 404, 422, 503),
)
async def list_runs_of_log(analysis_id: AnalysisId, logs: Logs) -> AnalysisPage:
    return AnalysisPage(items=await logs.runs(analysis_id))


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
