"""`/`, `/analyses/{id}`, `/compare`, `/projects/{project}`: what there is to see."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import RedirectResponse

from gradhealth.schemas.analysis import FINAL

from ..access.authentication import CallerOf
from ..dependencies import (
    Analyses,
    AnalysisId,
    Histories,
    Logs,
    NamedProject,
    Overviews,
    PairOfIds,
    Ready,
    Reports,
    Show,
)
from ..pages.comparing import in_order, juxtapose
from ..pages.listing import ListingQuery
from ..requests.analysis_query import STORABLE

router = APIRouter(include_in_schema=False)


@router.get("/", summary="All analyses, newest first")
async def show_analyses(
    query: Annotated[ListingQuery, Query()], overviews: Overviews, show: Show
) -> Response:
    page = await overviews.page(query.filters, limit=query.limit, cursor=query.cursor)
    projects = await overviews.projects()
    return show.page("analyses", listed=page, query=query, projects=projects)


@router.get("/analyses/{analysis_id}", summary="The report, or the way to it")
async def show_analysis(
    analysis_id: AnalysisId, reports: Reports, logs: Logs, ready: Ready, show: Show
) -> Response:
    subjects = await reports.subjects(analysis_id)
    analysis, subject = subjects[0]
    if analysis.status in FINAL:
        runs = await logs.names_of_runs(analysis_id)
        return show.page("analysis", analysis=analysis, subject=subject, runs=runs)
    workers = (await ready.report()).workers
    return show.page("progress", analysis=analysis, subject=subject, workers=workers)


@router.post("/analyses/{analysis_id}/cancel", summary="Cancel, and look at it")
async def cancel_and_show(analysis_id: AnalysisId, analyses: Analyses) -> Response:
    await analyses.cancel(analysis_id)
    return RedirectResponse(f"/analyses/{analysis_id}", status.HTTP_303_SEE_OTHER)


@router.post("/analyses/{analysis_id}/delete", summary="Delete, and look at the rest")
async def delete_and_show(analysis_id: AnalysisId, analyses: Analyses) -> Response:
    await analyses.delete(analysis_id)
    return RedirectResponse("/", status.HTTP_303_SEE_OTHER)


@router.get("/compare", summary="Two analyses side by side")
async def show_comparison(pair: PairOfIds, reports: Reports, show: Show) -> Response:
    older, newer = in_order(await reports.subjects(*pair[:3]))
    return show.page("comparison", comparison=juxtapose(older, newer))


@router.get("/projects/{project}", summary="A network of a project over time")
async def show_history(
    project: NamedProject,
    histories: Histories,
    caller: CallerOf,
    show: Show,
    name: Annotated[str | None, Query(pattern=STORABLE)] = None,
) -> Response:
    history = await histories.find(caller.meant(project), name)
    return show.page("history", history=history)
