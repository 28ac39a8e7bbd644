"""What the service does with analyses: check, store, wait, find."""

import asyncio

from gradhealth.detectors.tuned import check_thresholds
from gradhealth.forecast import forecast
from gradhealth.limits import Limits
from gradhealth.network import resolve
from gradhealth.prescription import check_selection
from gradhealth.schemas.analysis import (
    Analysis,
    ArchitectureRequest,
    Options,
    TheoryRequest,
)
from storage.analyses import AnalysisStore
from storage.records import NewAnalysis

from .bodies import Body
from .callers import Caller
from .exceptions import NotFoundError
from .quotas import Quotas


class AnalysisService:
    """Accepts analyses and answers for them.

    Args:
        store: Where analyses are kept, and queued for the workers.
        caller: Who asks.
        quotas: What the caller's project may still use.
        limits: The largest spec that is accepted.
    """

    def __init__(
        self, store: AnalysisStore, caller: Caller, quotas: Quotas, limits: Limits
    ) -> None:
        self._store = store
        self._caller = caller
        self._quotas = quotas
        self._limits = limits

    async def submit(
        self,
        body: Body[ArchitectureRequest | TheoryRequest],
        *,
        idempotency_key: str | None,
        wait_seconds: float,
    ) -> Analysis:
        """Stores what is asked for, and queues it unless it is answered at once.

        Args:
            body: The request.
            idempotency_key: The same key and body give the same analysis again.
            wait_seconds: How long to wait for the end.

        Raises:
            ForeignProjectError: The caller's key opens another project.
            InvalidDocumentError: The spec cannot be built; pointers are into the body.
            IdempotencyConflictError: The key came with another body before.
            QueueFullError, StorageFullError, WorkSpentError: The project may not have
                more.
        """
        request = body.content
        project = self._caller.own(request.project)
        # In a thread: a spec may carry megabytes of data to check.
        network = await asyncio.to_thread(
            resolve, request.spec, self._limits, pointer="/spec"
        )
        if isinstance(request, ArchitectureRequest):
            check_selection(request.options.fixes, "/options/fixes")
            check_thresholds(request.options.thresholds, "/options/thresholds")
        new = _new_analysis(body, project, idempotency_key)
        await self._quotas.check_room(new.num_bytes)
        if isinstance(request, TheoryRequest):
            result = await asyncio.to_thread(forecast, network)
            return await self._store.create_finished(new, result)
        await self._quotas.check_queue()
        analysis, _ = await self._store.create(new)
        return await self.find(analysis.id, wait_seconds=wait_seconds)

    async def find(self, analysis_id: str, *, wait_seconds: float) -> Analysis:
        """The analysis as it is when it is finished, or after `wait_seconds`.

        Raises:
            NotFoundError: There is none with this id.
        """
        return _found(analysis_id, await self._store.wait(analysis_id, wait_seconds))

    async def cancel(self, analysis_id: str) -> Analysis:
        """Stops the work on an analysis; a finished one stays as it is.

        Raises:
            NotFoundError: There is none with this id.
        """
        return _found(analysis_id, await self._store.cancel(analysis_id))

    async def delete(self, analysis_id: str) -> None:
        """Stops the work on an analysis and forgets it.

        Raises:
            NotFoundError: There is none with this id.
        """
        if not await self._store.delete(analysis_id):
            raise NotFoundError(analysis_id)


def _new_analysis(
    body: Body[ArchitectureRequest | TheoryRequest],
    project: str,
    idempotency_key: str | None,
) -> NewAnalysis:
    request = body.content
    options = Options() if isinstance(request, TheoryRequest) else request.options
    return NewAnalysis(
        kind=request.kind,
        spec=request.spec,
        options=options,
        project=project,
        labels=request.labels,
        idempotency_key=idempotency_key,
        request_hash=body.digest,
        num_bytes=body.num_bytes,
    )


def _found(analysis_id: str, analysis: Analysis | None) -> Analysis:
    if analysis is None:
        raise NotFoundError(analysis_id)
    return analysis
