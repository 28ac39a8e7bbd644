"""`/v1/workers`: what each worker does, for the operator."""

from fastapi import APIRouter, Depends

from gradhealth.schemas.worker import Workers

from ..access.authentication import requires
from ..dependencies import AllWorkers, Settings
from ..openapi import problems

router = APIRouter(
    prefix="/v1/workers", tags=["workers"], dependencies=[Depends(requires("admin"))]
)


@router.get("", summary="Show all workers", responses=problems(401, 403, 503))
async def list_workers(workers: AllWorkers, settings: Settings) -> Workers:
    return Workers(items=await workers.all(settings.worker_alive_seconds))
