"""Keeps and sends what was recorded, on a thread of its own."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import thread_time

from ..batches.keeping import KeptBatches
from ..schemas.trace import Trace
from .assembly import Assembly
from .rows import Row, Transfer
from .sinks import Header, Sink

logger = logging.getLogger(__name__)

# Deliveries that wait at most: more means that the disk is stuck, and they are lost.
MAX_WAITING = 1000
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Rows of ascending steps, and their numbers on the way to the host."""

    rows: Sequence[Row]
    transfer: Transfer


class Writer:
    """Turns deliveries into batches for the history and the sink.

    Args:
        sink: Where the run goes; null: it stays in memory.

    Attributes:
        notes: What was lost, and why.
        wants_exact: Whether there were norms that float32 could not measure.
        cpu_seconds: What the thread took.
    """

    def __init__(self, header: Header, assembly: Assembly, sink: Sink | None) -> None:
        self._header = header
        self._assembly = assembly
        self._sink = sink
        self._waiting: queue.Queue[Delivery | threading.Event | None] = queue.Queue()
        self._thread = threading.Thread(
            target=self._run, name="gradhealth-recorder", daemon=True
        )
        self._num_lost = 0
        self._num_failed = 0
        self._error: Exception | None = None
        self.history = KeptBatches()
        self.wants_exact = False
        self.cpu_seconds = 0.0
        self._thread.start()

    def put(self, delivery: Delivery) -> None:
        """Takes rows; never waits."""
        if self._waiting.qsize() < MAX_WAITING:
            self._waiting.put(delivery)
        else:
            self._num_lost += len(delivery.rows)

    def drain(self) -> None:
        """Waits until everything so far is in the history."""
        if self._thread.is_alive():
            done = threading.Event()
            self._waiting.put(done)
            done.wait(PATIENCE_SECONDS)

    def trace(self) -> Trace:
        """Everything so far that memory keeps."""
        self.drain()
        whole, header = self.history.merged(), self._header
        return Trace(
            header.run,
            tuple(header.layers),
            whole.steps,
            whole.series,
            whole.layer_series,
            header.context,
        )

    def close(self) -> None:
        """Writes what is waiting, and ends the thread."""
        self._waiting.put(None)
        self._thread.join(PATIENCE_SECONDS)
        if self._thread.is_alive():
            self._num_lost += self._waiting.qsize()

    @property
    def notes(self) -> list[str]:
        """What was lost, and where the rest is."""
        notes = list(self._sink.notes) if self._sink is not None else []
        if self._error is not None:
            notes.append(f"{self._num_failed} batches were not written: {self._error}")
        if self._num_lost:
            notes.append(f"{self._num_lost} steps were lost: the writing was stuck")
        if self.history.is_thinned:
            notes.append("memory keeps some of the steps only: the run is long")
        return notes

    def _run(self) -> None:
        self._try(self._begin)
        while (item := self._waiting.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
            else:
                self._try(partial(self._write, item))
        self._try(self._end)

    def _begin(self) -> None:
        if self._sink is not None:
            self._sink.begin(self._header)

    def _write(self, delivery: Delivery) -> None:
        batch = self._assembly.batch(delivery.rows, delivery.transfer)
        self.wants_exact = self._assembly.saw_doubtful
        self.history.add(batch)
        if self._sink is not None:
            self._sink.write(batch)
        self.cpu_seconds = thread_time()

    def _end(self) -> None:
        if self._sink is not None:
            self._sink.close()

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            # A full disk must not end the training; the next batch may find room.
            if self._error is None:
                logger.warning("a batch could not be written", exc_info=True)
            self._error = error
            self._num_failed += 1
