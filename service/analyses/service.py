"""What the service does with analyses: check, store, wait, find."""

import asyncio
from dataclasses import replace
from typing import Any

from gradhealth.architecture.limits import Limits
from gradhealth.architecture.network import Network, resolve
from gradhealth.forecast import forecast
from gradhealth.prescription import check_selection
from gradhealth.schemas.analysis import (
    Analysis,
    AnyRequest,
    ArchitectureRequest,
    Options,
    TheoryRequest,
    TraceRequest,
)
from gradhealth.telemetry.log_lines import also_about
from gradhealth.telemetry.tracing import current_traceparent
from gradhealth.thresholds import check_thresholds
from gradhealth.traces import parse_trace
from storage.analyses.records import NewAnalysis
from storage.analyses.store import AnalysisStore

from ..access.callers import Caller
from ..access.quotas import Quotas
from ..exceptions import NotFoundError
from ..requests.bodies import SMALL_BYTES, Body
from .judged_traces import judged
from .routing import Routing


class AnalysisService:
    """Accepts analyses and answers for them.

    Args:
        store: Where analyses are kept, and queued for the workers.
        caller: Who asks.
        quotas: What the caller's project may still use.
        routing: Which workers an analysis is for.
        limits: The largest spec that is accepted.
    """

    def __init__(
        self,
        store: AnalysisStore,
        caller: Caller,
        quotas: Quotas,
        routing: Routing,
        limits: Limits,
    ) -> None:
        self._store = store
        self._caller = caller
        self._quotas = quotas
        self._routing = routing
        self._limits = limits

    async def submit(
        self,
        body: Body[AnyRequest],
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
            InvalidDocumentError: The spec cannot be built, or the trace not be read;
                pointers are into the body.
            IdempotencyConflictError: The key came with another body before.
            QueueFullError, StorageFullError, WorkSpentError: The project may not have
                more.
        """
        request = body.content
        new = _new_analysis(body, self._caller.own(request.project), idempotency_key)
        if isinstance(request, TraceRequest):
            return await self._judge(request, new)
        network = await self._resolve(request.spec, body.num_bytes)
        if isinstance(request, TheoryRequest):
            await self._quotas.check_room(new.num_bytes)
            result = await asyncio.to_thread(forecast, network)
            return await self._store.create_finished(new, result)
        check_selection(request.options.fixes, "/options/fixes")
        check_thresholds(request.options.thresholds, "/options/thresholds")
        await self._quotas.check_room(new.num_bytes)
        await self._quotas.check_queue()
        queue = await self._routing.queue_for(network, request.options)
        analysis = await self._store.create(replace(new, queue=queue))
        also_about(analysis_id=analysis.id)
        if not wait_seconds:
            return analysis
        await self._store.wait(analysis.id, wait_seconds)
        return _found(analysis.id, await self._store.get(analysis.id))

    async def _resolve(self, spec: dict[str, Any], num_bytes: int) -> Network:
        if num_bytes <= SMALL_BYTES:
            return resolve(spec, self._limits, pointer="/spec")
        # It may carry megabytes of data to check: other requests are served meanwhile.
        return await asyncio.to_thread(resolve, spec, self._limits, pointer="/spec")

    async def _judge(self, request: TraceRequest, new: NewAnalysis) -> Analysis:
        check_thresholds(request.options.thresholds, "/options/thresholds")
        trace = await asyncio.to_thread(parse_trace, request.trace, "/trace")
        await self._quotas.check_room(new.num_bytes)
        result, numbers = await judged(trace, new.options.thresholds)
        return await self._store.create_finished(new, result, numbers)

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
    body: Body[AnyRequest], project: str, idempotency_key: str | None
) -> NewAnalysis:
    request = body.content
    return NewAnalysis(
        kind=request.kind,
        spec=_spec(request),
        options=_options(request),
        project=project,
        labels=request.labels,
        idempotency_key=idempotency_key,
        request_hash=body.digest,
        num_bytes=body.num_bytes,
        traceparent=current_traceparent(),
    )


def _spec(request: AnyRequest) -> dict[str, Any]:
    """What is stored as the spec; of a trace its name, for reports."""
    if isinstance(request, TraceRequest):
        return {"name": str(request.trace.get("run", ""))}
    return request.spec


def _options(request: AnyRequest) -> Options:
    match request:
        case ArchitectureRequest():
            return request.options
        case TraceRequest(options=options):
            return Options(thresholds=options.thresholds, source=options.source)
    return Options()


def _found(analysis_id: str, analysis: Analysis | None) -> Analysis:
    if analysis is None:
        raise NotFoundError(analysis_id)
    return analysis
