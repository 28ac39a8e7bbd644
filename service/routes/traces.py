"""`/v1/traces`: logs as people have them."""

from typing import Any

from fastapi import APIRouter, Response, status

from gradhealth.schemas.analysis import FINAL, Analysis, AnalysisPage

from ..dependencies import IdempotencyKey, LogBody, LogParameters, Logs
from ..openapi import problems
from .analyses import RETRY_AFTER

router = APIRouter(prefix="/v1/traces", tags=["analyses"])

_FILE: dict[str, Any] = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "properties": {"file": _FILE}, "required": ["file"]}


@router.post(
    "",
    summary="Judge a log",
    description="The file is the body, or the one file of a form; it may be a gzip. "
    "Several runs in it are as many analyses. The same `Idempotency-Key`, file and "
    "parameters give the same analyses again.",
    status_code=status.HTTP_201_CREATED,
    response_description="Judged and kept; a list where the file holds several runs.",
    responses=problems(400, 403, 409, 413, 415, 422, 429, 503)
    | {
        202: {
            "model": Analysis,
            "description": "A large file was accepted, and waits for a worker: look "
            "at `Location` until it is finished. It is the first run's analysis then, "
            "and `links.runs` has those of all.",
        },
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": _FILE},
                "multipart/form-data": {"schema": _FORM},
            },
        }
    },
)
async def judge_log(
    received: LogBody,
    logs: Logs,
    query: LogParameters,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Analysis | AnalysisPage:
    analyses = await logs.submit(received, query, idempotency_key=idempotency_key)
    first = analyses[0]
    if first.status not in FINAL:
        response.status_code = status.HTTP_202_ACCEPTED
        response.headers["Retry-After"] = RETRY_AFTER
    if len(analyses) > 1:
        return AnalysisPage(items=analyses)
    response.headers["Location"] = first.links.self
    return first
