"""Style sheet and scripts: files of our own, for everybody."""

from importlib.resources import files

from fastapi import APIRouter, Response
from fastapi.staticfiles import StaticFiles

from ..access.authentication import PUBLIC
from ..pages.rendering import style

router = APIRouter(include_in_schema=False)

# Its address changes with it.
FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/style.css", summary="The style sheet of all pages", openapi_extra=PUBLIC)
async def read_style() -> Response:
    return Response(style(), media_type="text/css", headers={"Cache-Control": FOR_EVER})


def static_files() -> StaticFiles:
    """What lies in `service/static`."""
    return StaticFiles(directory=str(files("service").joinpath("static")))
