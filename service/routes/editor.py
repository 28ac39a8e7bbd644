"""`/new`: write a spec, or take an example, and send it."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from gradhealth.examples import EXAMPLES
from gradhealth.exceptions import InvalidDocumentError
from storage.exceptions import IdempotencyConflictError

from ..dependencies import Analyses, Editor, Settings, Show
from ..exceptions import ServiceError
from ..pages.submission import Submission
from ..requests.bodies import read_bounded

router = APIRouter(include_in_schema=False)

# In a form a byte may take three: %7B.
FORM_RATIO = 3


async def _form(request: Request, settings: Settings) -> Submission:
    body = await read_bounded(request, FORM_RATIO * settings.max_body_bytes)
    return await asyncio.to_thread(Submission.parse, body)


@router.get("/new", summary="A form for a new analysis")
async def show_editor(
    editor: Editor,
    show: Show,
    example: str = EXAMPLES[0],
    analysis_id: Annotated[str | None, Query(alias="from")] = None,
    fix: str | None = None,
) -> Response:
    if analysis_id is None:
        form = editor.example(example)
    else:
        form = await editor.again(analysis_id, fix)
    return show.page("editor", form=form, mistakes=[], examples=EXAMPLES)


@router.post("/new", summary="Send a spec, or say what is wrong with it")
async def submit_form(
    form: Annotated[Submission, Depends(_form)],
    analyses: Analyses,
    settings: Settings,
    show: Show,
) -> Response:
    try:
        body = await asyncio.to_thread(
            form.to_body, max_values=settings.max_body_values
        )
        analysis = await analyses.submit(
            body, idempotency_key=form.idempotency_key, wait_seconds=0
        )
    except (InvalidDocumentError, ServiceError, IdempotencyConflictError) as error:
        # What was typed is never lost.
        mistakes = await asyncio.to_thread(form.mistakes, error)
        return show.page(
            "editor",
            status=status.HTTP_422_UNPROCESSABLE_CONTENT,
            form=form,
            mistakes=mistakes,
            examples=EXAMPLES,
        )
    return RedirectResponse(f"/analyses/{analysis.id}", status.HTTP_303_SEE_OTHER)
