"""A run in memory: its history, which catches up with what is stored."""

import asyncio
from dataclasses import dataclass, field
from itertools import islice

from gradhealth.batches.batch import merged
from gradhealth.diagnosis import Diagnosis
from gradhealth.logs.detectors.base import Run as LoggedRun
from gradhealth.logs.diagnosis import diagnose_log
from gradhealth.logs.histories.history import History
from gradhealth.logs.results import judge_history
from gradhealth.results import LAYER_SERIES
from gradhealth.schemas.analysis import Result
from storage.runs.judgements import JudgementStore

# Others are stored, and not looked at: a history has 14 MB of each by 2,000 layers.
JUDGED_LAYER_SERIES = (*LAYER_SERIES, "temporal_gain", "temporal_lag")
# The first that a batch names; 115 kB each.
MOST_SERIES = 64


@dataclass(slots=True, eq=False)
class LiveRun:
    """One run, which one task at a time works on.

    Attributes:
        history: All that is remembered of it.
        step: The last step that `history` knows; -1: none.
    """

    history: History
    step: int = -1
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _names: set[str] = field(default_factory=set)
    _judged: tuple[int, Result] | None = None

    async def catch_up(self, store: JudgementStore, run_id: str) -> None:
        """Take in the batches that came since; each costs the same, however many."""
        while True:
            batches = await store.batches_after(run_id, self.step, JUDGED_LAYER_SERIES)
            if not batches:
                return
            batch = await asyncio.to_thread(merged, batches)
            free = MOST_SERIES - len(self._names)
            fresh = (name for name in batch.series if name not in self._names)
            self._names.update(islice(fresh, free))
            series = {n: x for n, x in batch.series.items() if n in self._names}
            await asyncio.to_thread(
                self.history.add, batch.steps, series, batch.layer_series
            )
            self.step = int(batch.steps[-1])

    async def diagnose(self) -> Diagnosis:
        """What shows so far."""
        return await asyncio.to_thread(diagnose_log, LoggedRun(self.history))

    async def result(self) -> Result:
        """The whole answer so far, with curves for pictures."""
        if self._judged is None or self._judged[0] != self.step:
            result = await asyncio.to_thread(judge_history, self.history)
            self._judged = self.step, result
        return self._judged[1]
