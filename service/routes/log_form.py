"""`/new/log`: drop a log file, and look at what it says."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response, status
from fastapi.responses import RedirectResponse

from gradhealth.exceptions import InvalidDocumentError
from gradhealth.ingest.formats.base import log_formats

from ..dependencies import LogBody, Logs, Show
from ..exceptions import ServiceError
from ..pages.log_form import LogForm, mistakes_in

router = APIRouter(include_in_schema=False)


async def _form(received: LogBody) -> LogForm:
    return LogForm.parse(received.fields)


@router.get("/new/log", summary="A form for a log")
async def show_log_form(show: Show) -> Response:
    return show.page("log", form=LogForm(), mistakes=[], formats=log_formats())


@router.post("/new/log", summary="Judge a log, or say what is wrong with it")
async def submit_log(
    received: LogBody,
    form: Annotated[LogForm, Depends(_form)],
    logs: Logs,
    show: Show,
) -> Response:
    try:
        analyses = await logs.submit(received, form.to_query())
    except (InvalidDocumentError, ServiceError) as error:
        return show.page(
            "log",
            status=status.HTTP_422_UNPROCESSABLE_CONTENT,
            form=form,
            mistakes=mistakes_in(error),
            formats=log_formats(),
        )
    address = f"/analyses/{analyses[0].id}"
    if len(analyses) > 1:
        # All of them are the newest of their project.
        address = "/?" + urlencode({"project": analyses[0].project})
    return RedirectResponse(address, status.HTTP_303_SEE_OTHER)
