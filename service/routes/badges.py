"""`/v1/projects/{project}/badge.svg` and `badge.json`: a project in one word."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ..analyses.badges import CACHE_SECONDS, ShieldsBadge
from ..dependencies import Badges
from ..openapi import problems

router = APIRouter(prefix="/v1/projects", tags=["projects"])

Branch = Annotated[
    str | None, Query(description="Only analyses with this label `branch`.")
]
CACHE = {"Cache-Control": f"max-age={CACHE_SECONDS}"}
SVG = "image/svg+xml"


@router.get(
    "/{project}/badge.svg",
    summary="A project's badge as a picture; grey where nothing is known",
    response_class=Response,
    responses=problems(403, 422, 503)
    | {200: {"description": "The badge.", "content": {SVG: {}}}},
)
async def draw_badge(project: str, service: Badges, branch: Branch = None) -> Response:
    badge = await service.find(project, branch)
    return Response(badge.to_svg(), media_type=SVG, headers=CACHE)


@router.get(
    "/{project}/badge.json",
    summary="A project's badge for shields.io; grey where nothing is known",
    responses=problems(403, 422, 503),
)
async def read_badge(
    project: str, service: Badges, response: Response, branch: Branch = None
) -> ShieldsBadge:
    response.headers.update(CACHE)
    return (await service.find(project, branch)).to_shields()
