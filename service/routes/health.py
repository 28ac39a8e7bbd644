"""Is it alive, can it work, which version is it: for probes and people."""

from fastapi import APIRouter, Response, status

from gradhealth import __version__
from gradhealth.documents.base import Record

from ..access.authentication import PUBLIC
from ..dependencies import Ready
from ..monitoring.readiness import ReadinessReport
from ..openapi import problems

router = APIRouter(tags=["health"], responses=problems(403))


class Health(Record):
    """The process answers."""

    status: str = "ok"


class Version(Record):
    """What is running."""

    name: str = "gradhealth"
    version: str = __version__


@router.get("/healthz", summary="Whether the process answers", openapi_extra=PUBLIC)
async def read_health() -> Health:
    return Health()


@router.get(
    "/readyz",
    summary="Whether the database answers and workers are alive",
    openapi_extra=PUBLIC,
    responses={503: {"model": ReadinessReport, "description": "Cannot take work."}},
)
async def read_readiness(readiness: Ready, response: Response) -> ReadinessReport:
    report = await readiness.report()
    if report.status == "unavailable":
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return report


@router.get("/version", summary="Which version this is", openapi_extra=PUBLIC)
async def read_version() -> Version:
    return Version()
