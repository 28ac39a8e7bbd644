"""What the database knows about work, as metrics: the same from every process.

A counter that is read from the database is not reset when a process starts anew.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import get_args

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric

from gradhealth.schemas.analysis import Device
from gradhealth.schemas.worker import WorkerState
from storage.tables import Happening
from storage.webhooks.deliveries import DeliveryBacklog
from storage.work.backlog import Backlog, ProjectClass
from storage.work.tallies import BOUNDS, Tally
from storage.work.workers import WorkerBeat

# Names of workers may come and go without end: those that are silent longest are shown.
MOST_WORKERS = 100
DEVICES = ("cpu", "cuda")
STATES: tuple[WorkerState, ...] = get_args(WorkerState)
ENDS = ("succeeded", "failed", "cancelled")
NOTHING = Tally(0, 0.0, {})


@dataclass(frozen=True, slots=True)
class Work:
    """What the database knows at a moment.

    Attributes:
        backlogs: By queue and class of project.
        beats: Of all workers that are known.
        tallies: By what happened, and in which status it ended.
        deliveries: What webhooks are still to be told.
        worker_alive_seconds: A worker silent for longer does not count as alive.
    """

    backlogs: Mapping[tuple[Device, ProjectClass], Backlog]
    beats: Sequence[WorkerBeat]
    tallies: Mapping[tuple[Happening, str], Tally]
    deliveries: DeliveryBacklog
    worker_alive_seconds: float

    def families(self) -> Iterator[Metric]:
        """All metrics of work."""
        yield from self._of_backlogs()
        yield from self._of_jobs()
        yield from self._of_workers()
        yield from self._of_webhooks()

    def _of_backlogs(self) -> Iterator[Metric]:
        number = GaugeMetricFamily(
            "gradhealth_analyses_open",
            "Analyses that are queued or running, of projects with few and with many.",
            labels=("queue", "project_class", "status"),
        )
        age = GaugeMetricFamily(
            "gradhealth_queue_oldest_seconds",
            "How long the oldest queued analysis has waited.",
            labels=("queue", "project_class"),
        )
        for labels, backlog in self.backlogs.items():
            number.add_metric((*labels, "queued"), backlog.queued)
            number.add_metric((*labels, "running"), backlog.running)
            age.add_metric(labels, backlog.oldest_seconds)
        yield from (number, age)

    def _of_jobs(self) -> Iterator[Metric]:
        seconds = HistogramMetricFamily(
            "gradhealth_job_seconds",
            "Time from an analysis' first attempt to its end.",
            labels=("status",),
        )
        for status in ENDS:
            told = self.tallies.get(("end", status), NOTHING)
            seconds.add_metric((status,), _buckets(told), told.seconds)
        waited = self.tallies.get(("wait", ""), NOTHING)
        yield seconds
        yield HistogramMetricFamily(
            "gradhealth_job_wait_seconds",
            "Time from an analysis' acceptance to its first attempt.",
            buckets=_buckets(waited),
            sum_value=waited.seconds,
        )
        yield self._counter("job_attempts", "attempt", "Attempts that were begun.")
        yield self._counter(
            "job_take_overs", "take_over", "Attempts after a worker was lost."
        )
        yield self._counter(
            "job_crashes", "crash", "Attempts whose training process died."
        )

    def _counter(self, name: str, what: Happening, meaning: str) -> Metric:
        number = self.tallies.get((what, ""), NOTHING).number
        return CounterMetricFamily(f"gradhealth_{name}", meaning, value=number)

    def _of_workers(self) -> Iterator[Metric]:
        silence = GaugeMetricFamily(
            "gradhealth_worker_silence_seconds",
            f"Time since a worker's last sign of life; the {MOST_WORKERS} longest.",
            labels=("worker", "device"),
        )
        longest = sorted(self.beats, key=lambda beat: -beat.silence_seconds)
        for beat in longest[:MOST_WORKERS]:
            silence.add_metric((beat.id, beat.device), beat.silence_seconds)
        yield silence
        yield _alive(self.beats, self.worker_alive_seconds)

    def _of_webhooks(self) -> Iterator[Metric]:
        deliveries = self.deliveries
        number = GaugeMetricFamily(
            "gradhealth_webhook_deliveries",
            "What webhooks are still to be told, or were not in the end (for a week).",
            labels=("state",),
        )
        number.add_metric(("pending",), deliveries.pending)
        number.add_metric(("dead",), deliveries.dead)
        yield number
        yield GaugeMetricFamily(
            "gradhealth_webhook_oldest_seconds",
            "Age of the oldest that is still to be told.",
            deliveries.oldest_seconds,
        )


def _alive(beats: Iterable[WorkerBeat], within_seconds: float) -> Metric:
    family = GaugeMetricFamily(
        "gradhealth_workers", "Workers that are alive.", labels=("device", "state")
    )
    # Those there are none of are told too: an alarm cannot see what is missing.
    numbers = Counter(dict.fromkeys(product(DEVICES, STATES), 0))
    numbers.update(
        (each.device, each.state)
        for each in beats
        if each.silence_seconds < within_seconds
    )
    for labels, number in numbers.items():
        family.add_metric(labels, number)
    return family


def _buckets(tally: Tally) -> list[tuple[str, float]]:
    """Prometheus' buckets count all that is no longer than their bound."""
    numbers = (tally.by_bound.get(bound, 0) for bound in BOUNDS)
    names = ("+Inf" if math.isinf(bound) else str(bound) for bound in BOUNDS)
    return list(zip(names, itertools.accumulate(numbers), strict=True))
