"""What `/metrics` shows: this process's requests, and what the database knows."""

import asyncio
from collections.abc import Iterable, Sequence

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage.database.session import Sessions
from storage.webhooks.deliveries import read_backlog
from storage.work.backlog import BacklogStore
from storage.work.tallies import TallyStore
from storage.work.workers import WorkerStore

from .request_metrics import RequestMetrics
from .work_metrics import Work

# Prometheus gives a scrape 10 s, and requests are told also without the database.
ANSWER_SECONDS = 3.0


class Exposition:
    """Tells everything there is, in Prometheus' text format.

    Args:
        requests: The counts of this process.
        sessions: Where the rest is looked up.
        worker_alive_seconds: A worker silent for longer does not count as alive.
    """

    def __init__(
        self,
        requests: RequestMetrics,
        sessions: Sessions,
        *,
        worker_alive_seconds: float,
    ) -> None:
        self._requests = requests
        self._sessions = sessions
        self._backlog = BacklogStore(sessions)
        self._workers = WorkerStore(sessions)
        self._tallies = TallyStore(sessions)
        self._worker_alive_seconds = worker_alive_seconds

    async def text(self) -> bytes:
        """The metrics now; those of the database are left out while it is away."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                work = [*(await self._look()).families()]
        except (DBAPIError, PoolTimeoutError, TimeoutError):
            work = []
        is_up = GaugeMetricFamily(
            "gradhealth_database_up", "Whether the database answers.", bool(work)
        )
        requests = self._requests.registry.collect()
        return generate_latest(_Told([*requests, is_up, *work]))

    async def _look(self) -> Work:
        return Work(
            backlogs=await self._backlog.by_class(),
            beats=await self._workers.beats(),
            tallies=await self._tallies.all(),
            deliveries=await read_backlog(self._sessions),
            worker_alive_seconds=self._worker_alive_seconds,
        )


class _Told(Collector):
    """What is known already, for a function that asks."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
