"""Signs of life, and care for the work that dead workers left behind."""

import logging
import time
from collections.abc import Sequence

from gradhealth.schemas.analysis import Device
from gradhealth.schemas.worker import WorkerState
from storage.database.retry import patient
from storage.retention import Retention
from storage.work.claims import ClaimStore
from storage.work.dispatch import Engine
from storage.work.units import UnitStore
from storage.work.workers import WorkerBeat, WorkerStore

_logger = logging.getLogger(__name__)
_RECONCILE_SECONDS = 60.0


class Heartbeat:
    """Tells the others that this worker lives, and learns who else does.

    Args:
        workers: Where the beats are kept.
        worker_id: This worker's name.
        device: What it trains on.
        queues: What it takes analyses from.
        dead_after_seconds: Silence after which a worker counts as dead.

    Attributes:
        exposed: What the kernel does not keep the trainings from, once it is known.
    """

    def __init__(
        self,
        workers: WorkerStore,
        *,
        worker_id: str,
        device: str,
        queues: Sequence[Device] = (),
        dead_after_seconds: float,
    ) -> None:
        self._workers = workers
        self._worker_id = worker_id
        self._device = device
        self._queues = queues
        self._dead_after_seconds = dead_after_seconds
        self.exposed: Sequence[str] = ()
        self._state: WorkerState = "starting"
        self._reason = ""
        self._num_others = 0
        self._began = self._last_beat = self._steady_since = time.monotonic()

    def become(self, state: WorkerState, reason: str = "") -> None:
        """Say from the next beat on that the worker is in this state."""
        self._state, self._reason = state, reason

    def has_company(self) -> bool:
        """Whether other workers were alive at the last look."""
        return self._num_others > 0

    async def beat(self) -> None:
        """Beat once, as soon as the database answers."""
        await patient(self._workers.beat)(
            self._worker_id,
            self._device,
            queues=self._queues,
            state=self._state,
            reason=self._reason,
            exposed=self.exposed,
            age_seconds=time.monotonic() - self._began,
        )
        now = time.monotonic()
        if now - self._last_beat > self._dead_after_seconds / 2:
            self._steady_since = now
        self._last_beat = now

    async def retire(self) -> None:
        """Tell the others not to wait for another beat."""
        await self._workers.retire(self._worker_id)

    async def forget_the_long_silent(self) -> None:
        """Remove workers that will not come back."""
        await patient(self._workers.forget_silent)()

    async def trusted(self) -> set[str] | None:
        """The workers whose work is in good hands, or None when others take care.

        Only the first that works takes care of lost work, so that the rest do not do
        the same. One with a faulty device lives, but has put down its work for good:
        what the queue has just handed to it is lost. Nobody is declared dead by a
        worker that has itself been cut off from the database lately: after an outage,
        everybody else seems silent too.
        """
        beats = [
            beat
            for beat in await patient(self._workers.beats)()
            if beat.state != "faulty"
        ]
        living = {beat.id: beat.state for beat in beats if self._lives(beat)}
        self._num_others = len(living.keys() - {self._worker_id})
        # One that still warms up takes no care yet, and may never come to it.
        working = [id_ for id_, state in living.items() if state != "starting"]
        if min(working, default=None) != self._worker_id:
            return None
        if time.monotonic() - self._steady_since < self._dead_after_seconds:
            return {beat.id for beat in beats}
        return {*living}

    def _lives(self, beat: WorkerBeat) -> bool:
        return beat.silence_seconds < self._dead_after_seconds


class Care:
    """Puts lost work back into the queue, once a beat, and forgets what is old."""

    def __init__(
        self,
        heartbeat: Heartbeat,
        engine: Engine,
        claims: ClaimStore,
        units: UnitStore,
        retention: Retention,
    ) -> None:
        self._heartbeat = heartbeat
        self._engine = engine
        self._claims = claims
        self._retention = retention
        self._units = units
        self._reconciled_at = -_RECONCILE_SECONDS

    async def once(self) -> None:
        """Resume what dead workers had, and now and then compare all the books."""
        trusted = await self._heartbeat.trusted()
        if trusted is None:
            return
        await self._engine.resume_lost(trusted)
        await self._units.free_lost(trusted)
        now = time.monotonic()
        if now - self._reconciled_at > _RECONCILE_SECONDS:
            self._reconciled_at = now
            await self._engine.reconcile(self._claims.open_tickets)
            await self._heartbeat.forget_the_long_silent()
            await patient(self._retention.purge)()
