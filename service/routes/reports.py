"""`/v1/analyses/{id}/report` and `.../comparison`: results for people and pipelines."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gradhealth.reports.base import reports
from gradhealth.schemas.comparison import Comparison

from ..dependencies import AnalysisId, Reports
from ..openapi import problems, report_schema

router = APIRouter(prefix="/v1/analyses", tags=["reports"])

Format = Annotated[
    str,
    Query(
        alias="format",
        pattern=f"^({'|'.join(reports())})$",
        description="How the result is rendered.",
        examples=["html"],
    ),
]
BaselineId = Annotated[
    str,
    Query(
        alias="baseline",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="The analysis to compare with.",
    ),
]


@router.get(
    "/{analysis_id}/report",
    summary="Render a finished analysis",
    response_class=Response,
    responses=problems(403, 404, 409, 422, 503)
    | {
        200: {
            "description": "The report.",
            "content": {
                report.media_type: {"schema": report_schema(report.media_type)}
                for report in reports().values()
            },
        }
    },
)
async def render_report(
    analysis_id: AnalysisId, service: Reports, format_name: Format = "html"
) -> Response:
    rendering = await service.render(analysis_id, format_name)
    return Response(rendering.text, media_type=rendering.media_type)


@router.get(
    "/{analysis_id}/comparison",
    summary="Compare an analysis with a baseline",
    responses=problems(403, 404, 409, 422, 503),
)
async def compare_analyses(
    analysis_id: AnalysisId, service: Reports, baseline: BaselineId
) -> Comparison:
    return await service.compare(analysis_id, baseline)
