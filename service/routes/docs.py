"""`/docs`: the API, to read and to try."""

from fastapi import APIRouter, Response

from ..access.authentication import PUBLIC
from ..dependencies import Show

router = APIRouter(include_in_schema=False)


@router.get("/docs", summary="The API's documentation", openapi_extra=PUBLIC)
async def show_docs(show: Show) -> Response:
    return show.page("docs")
