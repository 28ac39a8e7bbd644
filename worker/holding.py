"""A claim while it is worked on: watched, reported on, renewed after a crash."""

import asyncio
from collections.abc import Sequence
from typing import Any

from gradhealth.exceptions import ChildCrashedError, GradHealthError
from gradhealth.schemas.analysis import AnalysisError, Progress, Result
from gradhealth.schemas.event import Event, News
from storage.uploads.readings import ReadingStore, ReadRun
from storage.work.claims import Claim, ClaimStore
from storage.work.units import NewUnit

from .processes.supervisor import Job

_WATCH_SECONDS = 0.2


class Holding:
    """The one place that writes to an analysis while this worker has it.

    Attributes:
        claim: The present claim; a crash replaces it by that of the next attempt.
        failure: Why the analysis failed, if it did.
    """

    def __init__(self, claims: ClaimStore, claim: Claim) -> None:
        self.claim = claim
        self.failure: GradHealthError | None = None
        self._claims = claims
        # Held by whoever writes: the watch must not take a claim that is just being
        # renewed or ended for a lost one.
        self._writing = asyncio.Lock()
        self._phase = Progress(phase="starting")
        self._progress = self._phase
        # Whoever takes an analysis over tells everything again, in the same order.
        self._events: list[Event] = []
        self._num_written = claim.num_events

    async def watch(self) -> None:
        """Return once the claim is lost: cancelled, deleted, taken over or ended."""
        written: Progress | None = None
        while True:
            # First, so that short work is not slowed down by being watched.
            await asyncio.sleep(_WATCH_SECONDS)
            async with self._writing:
                progress, events = self._progress, self._fresh_events()
                if progress == written and not events:
                    good = await self._claims.holds(self.claim)
                else:
                    good = await self._claims.report(
                        self.claim, progress, events, after=self._num_written
                    )
                if not good:
                    return
                written = progress
                self._num_written += len(events)

    async def report(self, news: News) -> None:
        """Note the phase of the analysis, or what it found; the watch writes it."""
        if isinstance(news, Progress):
            self._phase = self._progress = news
        else:
            self._events.append(news)

    async def persist(self, job: Job, unit: NewUnit) -> Any:
        """Do a unit of work, once more after each crash while attempts remain.

        Raises:
            ChildCrashedError: The last attempt crashed too, or the claim is lost.
            GradHealthError: What the unit itself raised.
        """
        while True:
            try:
                return await job.run(unit.unit, unit.arguments, self._report_steps)
            except ChildCrashedError as error:
                async with self._writing:
                    renewed = await self._claims.next_attempt(self.claim, error)
                    if renewed is None:
                        raise
                    self.claim = renewed

    async def finish(self, result: Result, traces: bytes) -> None:
        """Store the result."""
        async with self._writing:
            events = self._fresh_events()
            await self._claims.finish(
                self.claim, result, traces, events, after=self._num_written
            )

    async def finish_log(self, readings: ReadingStore, runs: Sequence[ReadRun]) -> None:
        """Store the results of all runs in a log."""
        async with self._writing:
            events = self._fresh_events()
            await readings.finish(self.claim, runs, events, after=self._num_written)

    async def fail(self, error: GradHealthError) -> None:
        """Store why there is no result."""
        self.failure = error
        reason = AnalysisError(code=error.code, message=str(error))
        async with self._writing:
            await self._claims.fail(self.claim, reason)

    async def release(self) -> None:
        """Give the analysis back unfinished; the attempt does not count."""
        await self._claims.release(self.claim)

    def _fresh_events(self) -> list[Event]:
        return self._events[self._num_written :]

    def _report_steps(self, done: int, total: int) -> None:
        # A unit's own steps are shown where the analysis counts nothing larger.
        if self._phase.total == 0:
            self._progress = self._phase.model_copy(
                update={"done": done, "total": total}
            )
