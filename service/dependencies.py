"""What routes ask for: parameters with their bounds, and the things they call.

All are asynchronous: the framework runs others in threads, at a third of the cost of a
whole request each.
"""

from collections.abc import AsyncIterator
from typing import Annotated, TypeAlias

from fastapi import Depends, Header, Path, Query, Request
from pydantic import Field, TypeAdapter

from gradhealth.schemas.analysis import AnalysisRequest, AnyRequest
from gradhealth.schemas.run import RunRequest
from gradhealth.schemas.webhook import WebhookRequest
from storage.access.sign_ins import SignInStore
from storage.analyses.documents import DocumentStore
from storage.analyses.overviews import OverviewStore
from storage.analyses.store import AnalysisStore
from storage.runs.intake import Intake
from storage.runs.store import RunStore
from storage.uploads.store import UploadStore
from storage.webhooks.store import WebhookStore
from storage.work.workers import WorkerStore

from .access.authentication import caller_of
from .access.quotas import Quotas
from .access.sign_in import SignIns
from .analyses.badges import BadgeService
from .analyses.documents import DocumentService
from .analyses.events import EventService
from .analyses.logs import LogService
from .analyses.reports import ReportService
from .analyses.routing import Routing
from .analyses.service import AnalysisService
from .config import ServiceSettings
from .exceptions import NotFoundError, UnknownRunError
from .monitoring.exposition import Exposition
from .monitoring.readiness import Readiness
from .pages.editing import EditorService
from .pages.history import HistoryService
from .pages.rendering import Pages
from .requests.analysis_query import STORABLE, AnalysisQuery
from .requests.batch_bodies import ReadBatch, read_batch
from .requests.bodies import Body, read_body
from .requests.files import ReceivedFile, receive_file
from .requests.log_query import LogQuery
from .requests.run_query import RunQuery
from .runs.batches import BatchService
from .runs.events import RunEventService
from .runs.service import RunService
from .webhooks.service import WebhookService

_REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(AnalysisRequest)
_WEBHOOK: TypeAdapter[WebhookRequest] = TypeAdapter(WebhookRequest)
_RUN: TypeAdapter[RunRequest] = TypeAdapter(RunRequest)


def _settings(request: Request) -> ServiceSettings:
    settings: ServiceSettings = request.app.state.settings
    return settings


async def _analysis_body(request: Request) -> Body[AnyRequest]:
    return await read_body(request, _REQUEST, _settings(request))


async def _run_body(request: Request) -> Body[RunRequest]:
    return await read_body(request, _RUN, _settings(request))


async def _webhook_body(request: Request) -> Body[WebhookRequest]:
    return await read_body(request, _WEBHOOK, _settings(request))


async def _batch_body(request: Request) -> ReadBatch:
    return await read_batch(request, _settings(request))


# Not dependencies of dependencies, each of which would cost every request 50 us.


def _store(request: Request) -> AnalysisStore:
    state = request.app.state
    return AnalysisStore(
        state.sessions, state.acceptance, project=caller_of(request).project
    )


def _run_store(request: Request) -> RunStore:
    return RunStore(request.app.state.sessions, project=caller_of(request).project)


def _quotas(request: Request) -> Quotas:
    state = request.app.state
    return Quotas(state.sessions, state.settings, state.usage, caller_of(request))


async def _workers(request: Request) -> WorkerStore:
    return WorkerStore(request.app.state.sessions)


async def _analyses(request: Request) -> AnalysisService:
    settings = _settings(request)
    routing = Routing(
        WorkerStore(request.app.state.sessions),
        gpu_parameters=settings.gpu_parameters,
        gpus_on_demand=settings.gpus_on_demand,
        worker_alive_seconds=settings.worker_alive_seconds,
    )
    return AnalysisService(
        _store(request),
        caller_of(request),
        _quotas(request),
        routing,
        settings.limits,
    )


async def _documents(request: Request) -> DocumentService:
    documents = DocumentStore(
        request.app.state.sessions, project=caller_of(request).project
    )
    return DocumentService(_store(request), documents, caller_of(request))


async def _known_runs(request: Request) -> RunStore:
    return _run_store(request)


async def _runs(request: Request) -> RunService:
    return RunService(
        _run_store(request),
        request.app.state.judge,
        caller_of(request),
        _quotas(request),
        max_layers=_settings(request).max_layers,
    )


async def _batches(request: Request) -> BatchService:
    state = request.app.state
    intake = Intake(state.transactions, project=caller_of(request).project)
    return BatchService(intake, state.judge, _quotas(request))


async def _logs(request: Request) -> LogService:
    state = request.app.state
    return LogService(
        UploadStore(
            state.sessions, state.acceptance, project=caller_of(request).project
        ),
        caller_of(request),
        _quotas(request),
        _settings(request),
        state.log_slots,
    )


async def _received(request: Request) -> AsyncIterator[ReceivedFile]:
    async with receive_file(request, _settings(request).max_log_bytes) as received:
        yield received


async def _reports(request: Request) -> ReportService:
    return ReportService(_store(request))


async def _badges(request: Request) -> BadgeService:
    return BadgeService(_store(request), caller_of(request))


async def _signing_in(request: Request) -> SignIns:
    state = request.app.state
    return SignIns(state.key_ring, state.guesses, SignInStore(state.sessions))


async def _overviews(request: Request) -> OverviewStore:
    return OverviewStore(request.app.state.sessions, project=caller_of(request).project)


Overviews: TypeAlias = Annotated[OverviewStore, Depends(_overviews)]


async def _histories(overviews: Overviews) -> HistoryService:
    return HistoryService(overviews)


async def _editor(request: Request) -> EditorService:
    return EditorService(_store(request))


async def _show(request: Request) -> Pages:
    return Pages(is_signed_in=caller_of(request).key_id is not None)


async def _events(request: Request) -> EventService:
    return EventService(request.app.state.watch)


async def _run_events(request: Request) -> RunEventService:
    return RunEventService(request.app.state.run_watch)


async def _readiness(request: Request) -> Readiness:
    readiness: Readiness = request.app.state.readiness
    return readiness


async def _metrics(request: Request) -> Exposition:
    exposition: Exposition = request.app.state.exposition
    return exposition


async def _webhooks(request: Request) -> WebhookService:
    settings = _settings(request)
    store = WebhookStore(
        request.app.state.sessions,
        project=caller_of(request).project,
        secrets=settings.webhook_secrets,
    )
    return WebhookService(store, caller_of(request), settings)


WebhookBody: TypeAlias = Annotated[Body[WebhookRequest], Depends(_webhook_body)]
Webhooks: TypeAlias = Annotated[WebhookService, Depends(_webhooks)]
RunBody: TypeAlias = Annotated[Body[RunRequest], Depends(_run_body)]
BatchBody: TypeAlias = Annotated[ReadBatch, Depends(_batch_body)]
KnownRuns: TypeAlias = Annotated[RunStore, Depends(_known_runs)]
Runs: TypeAlias = Annotated[RunService, Depends(_runs)]
Batches: TypeAlias = Annotated[BatchService, Depends(_batches)]
AnalysisBody: TypeAlias = Annotated[Body[AnyRequest], Depends(_analysis_body)]
Documents: TypeAlias = Annotated[DocumentService, Depends(_documents)]
Analyses: TypeAlias = Annotated[AnalysisService, Depends(_analyses)]
Logs: TypeAlias = Annotated[LogService, Depends(_logs)]
LogBody: TypeAlias = Annotated[ReceivedFile, Depends(_received)]
LogParameters: TypeAlias = Annotated[LogQuery, Query()]
Reports: TypeAlias = Annotated[ReportService, Depends(_reports)]
Badges: TypeAlias = Annotated[BadgeService, Depends(_badges)]
Histories: TypeAlias = Annotated[HistoryService, Depends(_histories)]
Editor: TypeAlias = Annotated[EditorService, Depends(_editor)]
Show: TypeAlias = Annotated[Pages, Depends(_show)]
Settings: TypeAlias = Annotated[ServiceSettings, Depends(_settings)]
Events: TypeAlias = Annotated[EventService, Depends(_events)]
RunEvents: TypeAlias = Annotated[RunEventService, Depends(_run_events)]
SigningIn: TypeAlias = Annotated[SignIns, Depends(_signing_in)]
AllWorkers: TypeAlias = Annotated[WorkerStore, Depends(_workers)]
Ready: TypeAlias = Annotated[Readiness, Depends(_readiness)]
Metrics: TypeAlias = Annotated[Exposition, Depends(_metrics)]

NamedProject: TypeAlias = Annotated[str, Path(pattern=STORABLE)]
ID = r"^[A-Za-z0-9_-]{1,64}$"
AnalysisId: TypeAlias = Annotated[str, Path(pattern=ID)]
WebhookId: TypeAlias = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
DeliveryId: TypeAlias = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
RunId: TypeAlias = Annotated[str, Path(pattern=ID)]
PairOfIds: TypeAlias = Annotated[list[Annotated[str, Field(pattern=ID)]], Query()]
WaitSeconds: TypeAlias = Annotated[
    float,
    Query(ge=0, le=60, description="Seconds to wait for the analysis to finish."),
]


async def _followed(analysis_id: AnalysisId, request: Request) -> str:
    # Before the stream begins: afterwards no status can be sent.
    if not await _store(request).knows(analysis_id):
        raise NotFoundError(analysis_id)
    return analysis_id


async def _followed_run(run_id: RunId, request: Request) -> str:
    if not await _run_store(request).knows(run_id):
        raise UnknownRunError(run_id)
    return run_id


FollowedId: TypeAlias = Annotated[str, Depends(_followed)]
FollowedRunId: TypeAlias = Annotated[str, Depends(_followed_run)]
LastEventId: TypeAlias = Annotated[
    int | None,
    Header(ge=0, description="Number of the last event that the client has."),
]
StreamSeconds: TypeAlias = Annotated[
    float, Query(ge=0, le=86400, description="Seconds after which the stream ends.")
]
IdempotencyKey: TypeAlias = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=STORABLE,
        description="The same key and body give the same analysis again.",
    ),
]
Listing: TypeAlias = Annotated[AnalysisQuery, Query()]
RunListing: TypeAlias = Annotated[RunQuery, Query()]
