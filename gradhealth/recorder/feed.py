"""Hands finished rows from the training's thread over to the writer's, in batches."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from .governor import NUM_FIRST_STEPS, Costs, Governor
from .rows import Row, Transfer
from .writer import Delivery, Writer

# A batch has enough steps to be cheap, and comes soon enough to be looked at.
BATCH_STEPS, MIN_BATCH_STEPS, BATCH_SECONDS = 50, 10, 10.0


@dataclass(slots=True)
class Cost:
    """What recording took so far.

    Attributes:
        training_seconds: The steps themselves.
        own_seconds: The recorder's calls inside them.
        writing_seconds: CPU time of the thread that keeps and writes, beside them.
    """

    training_seconds: float = 0.0
    own_seconds: float = 0.0
    writing_seconds: float = 0.0

    @property
    def ratio(self) -> float:
        """Time of a step with the recorder over that without; 1 before any step."""
        if not self.training_seconds:
            return 1.0
        return 1 + self.own_seconds / self.training_seconds

    def add(self, costs: Costs) -> None:
        """Books what was measured since the last time."""
        self.training_seconds += sum(costs.steps)
        self.own_seconds += sum(costs.norms) + sum(costs.samples) + sum(costs.other)


class Feed:
    """Collects rows until they make a batch.

    Args:
        governor: Told what was spent, batch by batch.
        make_writer: Called with the first batch, when the layers' order is known.

    Attributes:
        governor_note: What the governor did last; null: nothing.
        num_rows: Rows so far, whether they had numbers or not.
    """

    def __init__(self, governor: Governor, make_writer: Callable[[], Writer]) -> None:
        self._governor = governor
        self._make_writer = make_writer
        self._rows: list[Row] = []
        self.num_rows = 0
        self._sent_at = monotonic()
        self.writer: Writer | None = None
        self.cost = Cost()
        self.governor_note: str | None = None

    def take(self, row: Row, costs: Costs) -> Costs:
        """One more row; gives the costs that are still to be booked."""
        self.num_rows += 1
        if row.scalars or row.cells:
            self._rows.append(row)
        if not self._is_due():
            return costs
        self.cost.add(costs)
        self.governor_note = self._governor.adjust(costs) or self.governor_note
        self.flush()
        return Costs()

    def flush(self) -> None:
        """Sends what there is."""
        self._sent_at = monotonic()
        if self.writer is None:
            self.writer = self._make_writer()
        rows, self._rows = self._rows, []
        if rows:
            tensors = [tensor for row in rows for tensor in row.tensors]
            self.writer.put(Delivery(rows, Transfer(tensors)))

    def _is_due(self) -> bool:
        if self.num_rows == NUM_FIRST_STEPS or len(self._rows) >= BATCH_STEPS:
            return True
        waited = monotonic() - self._sent_at
        return len(self._rows) >= MIN_BATCH_STEPS and waited > BATCH_SECONDS
