"""What lives as long as the application, opened before any request and closed again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.datastructures import State

from storage.access.keys import KeyStore
from storage.access.sign_ins import SignInStore
from storage.analyses.acceptance import Acceptance
from storage.analyses.events import EventStore
from storage.config import StorageSettings
from storage.database.session import Sessions, create_engine
from storage.database.transactions import Transactions
from storage.runs.alerts import AlertStore
from storage.runs.judgements import JudgementStore
from storage.work.dispatch import Queue
from storage.work.workers import WorkerStore

from .access.guesses import Guesses
from .access.key_ring import KeyRing
from .access.quotas import UsageMemory
from .access.rates import RateLimits
from .config import ServiceSettings
from .monitoring.exposition import Exposition
from .monitoring.readiness import Readiness
from .monitoring.request_metrics import RequestMetrics
from .runs.judging import Judge
from .sockets import is_this_machine
from .watching import Watch
from .webhooks.delivering import create_deliverer


@asynccontextmanager
async def opened(
    state: State,
    settings: ServiceSettings,
    storage: StorageSettings,
    request_metrics: RequestMetrics,
) -> AsyncIterator[None]:
    """Put into `state` what requests share; whatever fails to close, the rest does.

    Args:
        state: The application's.
        settings: How it listens and what it accepts.
        storage: Where analyses are kept.
        request_metrics: What counts its requests.
    """
    async with AsyncExitStack() as stack:
        engine = create_engine(storage)
        stack.push_async_callback(engine.dispose)
        state.transactions = Transactions(storage)
        stack.callback(state.transactions.close)
        queue = Queue(state.transactions.engine)
        stack.callback(queue.close)
        state.acceptance = Acceptance(state.transactions, queue)
        sessions = Sessions(engine)
        state.settings, state.sessions = settings, sessions
        _remember(state, settings, sessions)
        state.readiness = Readiness(
            engine,
            WorkerStore(sessions),
            worker_alive_seconds=settings.worker_alive_seconds,
        )
        state.exposition = Exposition(
            request_metrics,
            sessions,
            worker_alive_seconds=settings.worker_alive_seconds,
        )
        state.watch = Watch(EventStore(sessions))
        stack.push_async_callback(state.watch.close)
        state.run_watch = Watch(AlertStore(sessions))
        stack.push_async_callback(state.run_watch.close)
        state.judge = Judge(
            JudgementStore(sessions), memory_bytes=settings.run_memory_mb * 2**20
        )
        state.judge.start()
        stack.push_async_callback(state.judge.close)
        deliverer = create_deliverer(sessions, settings)
        deliverer.start()
        stack.push_async_callback(deliverer.close)
        yield


def _remember(state: State, settings: ServiceSettings, sessions: Sessions) -> None:
    """Who asks, and how much of what is used up."""
    state.key_ring = KeyRing(
        KeyStore(sessions),
        SignInStore(sessions),
        keyless=is_this_machine(settings.host),
    )
    state.guesses = Guesses(settings.wrong_keys_per_minute)
    state.usage = UsageMemory()
    state.log_slots = asyncio.Semaphore(settings.max_logs_at_once)
    state.rate_limits = RateLimits(
        key_quota=settings.key_requests_per_minute,
        project_quota=settings.project_requests_per_minute,
    )
