"""`/metrics`: what Prometheus scrapes."""

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST

from ..access.authentication import requires
from ..dependencies import Metrics
from ..openapi import problems

router = APIRouter(tags=["health"], responses=problems(403))


class MetricsResponse(Response):
    """Prometheus' text format."""

    media_type = CONTENT_TYPE_LATEST


@router.get(
    "/metrics",
    summary="Metrics for Prometheus; needs the scope admin",
    response_class=MetricsResponse,
    dependencies=[Depends(requires("admin"))],
)
async def read_metrics(metrics: Metrics) -> MetricsResponse:
    return MetricsResponse(await metrics.text())
