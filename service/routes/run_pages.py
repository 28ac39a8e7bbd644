"""`/runs`, `/runs/{id}`: trainings that are still going."""

from fastapi import APIRouter, Request, Response, status
from fastapi.responses import RedirectResponse

from gradhealth.reports.base import Subject

from ..access.authentication import CallerOf
from ..dependencies import KnownRuns, RunId, RunListing, Runs, Show

router = APIRouter(include_in_schema=False)


@router.get("/runs", summary="All runs, newest first")
async def show_runs(
    request: Request,
    store: KnownRuns,
    caller: CallerOf,
    query: RunListing,
    show: Show,
) -> Response:
    project = query.project and caller.meant(query.project)
    page = await store.page(project=project, limit=query.limit, cursor=query.cursor)
    address = str(request.base_url).rstrip("/")
    return show.page("runs", listed=page, query=query, address=address)


@router.get("/runs/{run_id}", summary="The diagnosis so far, which grows")
async def show_run(run_id: RunId, runs: Runs, show: Show) -> Response:
    run = await runs.find(run_id)
    return show.page("run", run=run, subject=Subject(run.name, run.result))


@router.post("/runs/{run_id}/delete", summary="Delete, and look at the rest")
async def delete_run_and_show(run_id: RunId, runs: Runs) -> Response:
    await runs.delete(run_id)
    return RedirectResponse("/runs", status.HTTP_303_SEE_OTHER)
