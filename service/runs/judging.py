"""Judges runs while their batches come, and remembers the histories of some.

A batch is only stored when it comes. What it means is found a moment later, for all
batches of that moment at once; whatever a process did not get to, it or another one
does after a start.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict

from gradhealth.alerts import changes_since
from gradhealth.logs.histories.history import History
from gradhealth.schemas.analysis import Result
from storage.runs.judgements import JudgementStore

from .live_run import LiveRun
from .turns import Turns

# Between two judgements of one run: short enough for whoever looks on, and so long
# that judging takes a tenth of the time at most.
PAUSE_SECONDS, PAUSE_RATIO = 1.0, 10.0
# Between two looks for what another process left behind.
SWEEP_SECONDS = 60.0
# What a judgement may take when the service stops.
CLOSE_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Judge:
    """Judges the runs of every project, one after another.

    Args:
        store: Where their numbers are.
        memory_bytes: What histories may take; the run in hand always has its own.
        pause_seconds: Between two judgements of one run.
    """

    def __init__(
        self,
        store: JudgementStore,
        *,
        memory_bytes: int,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._store = store
        self._memory_bytes = memory_bytes
        self._pause_seconds = pause_seconds
        self._runs = OrderedDict[str, LiveRun]()
        self._turns = Turns()
        self._tasks: list[asyncio.Task[None]] = []
        self._working = asyncio.Lock()

    def start(self) -> None:
        """Begin to judge; what was left behind by an earlier process comes first."""
        self._tasks = [
            asyncio.create_task(self._judge_for_ever()),
            asyncio.create_task(self._sweep_for_ever()),
        ]

    async def close(self) -> None:
        """Stop; what is not judged is found again."""
        # Not in the middle of a transaction, unless that takes too long.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._working.acquire()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def notice(self, run_id: str) -> None:
        """A batch has come."""
        self._turns.ask(run_id)

    async def result(self, run_id: str) -> Result | None:
        """The diagnosis of everything that came so far; None: there is no such run."""
        run = await self._run(run_id)
        if run is None:
            return None
        async with run.lock:
            await self._judge(run_id, run)
            return await run.result()

    async def _run(self, run_id: str) -> LiveRun | None:
        if run_id not in self._runs:
            announced = await self._store.announced(run_id)
            if announced is None:
                return None
            layers, context = announced
            run = LiveRun(History(tuple(layers), context))
            self._runs.setdefault(run_id, run)
        self._runs.move_to_end(run_id)
        return self._runs[run_id]

    async def _judge(self, run_id: str, run: LiveRun) -> None:
        state = await self._store.state(run_id)
        if state is None:
            self._runs.pop(run_id, None)
            return
        if run.step < state.last_step:
            await run.catch_up(self._store, run_id)
            self._make_room()
        if run.step > state.judged_step:
            diagnosis = await run.diagnose()
            changes = changes_since(
                state.problems, diagnosis.findings, run.history.num_rows
            )
            # Where another process was faster, its judgement stands.
            await self._store.save(
                run_id,
                diagnosis,
                changes,
                judged_before=state.judged_step,
                step=run.step,
            )

    def _make_room(self) -> None:
        """Forget the histories that nobody asked for the longest."""
        sizes = {id_: run.history.num_bytes for id_, run in self._runs.items()}
        total = sum(sizes.values())
        for run_id in list(self._runs)[:-1]:
            if total <= self._memory_bytes:
                return
            if not self._runs[run_id].lock.locked():
                del self._runs[run_id]
                total -= sizes[run_id]

    async def _judge_for_ever(self) -> None:
        while True:
            run_id = await self._turns.next()
            began = time.monotonic()
            try:
                async with self._working:
                    await self._judge_in_turn(run_id)
            except Exception:
                # The database is away, or a mistake of ours: others have their turn.
                logger.exception("cannot judge the run %s", run_id)
                self.notice(run_id)
            took = time.monotonic() - began
            self._turns.rest(run_id, max(self._pause_seconds, PAUSE_RATIO * took))

    async def _judge_in_turn(self, run_id: str) -> None:
        run = await self._run(run_id)
        if run is not None:
            async with run.lock:
                await self._judge(run_id, run)

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                async with self._working:
                    unjudged = await self._store.unjudged()
                for run_id in unjudged:
                    self.notice(run_id)
            except Exception:
                logger.exception("cannot look for runs to judge")
            await asyncio.sleep(SWEEP_SECONDS)
