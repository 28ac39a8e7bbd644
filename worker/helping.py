"""Does units of other workers' analyses while this worker has none of its own."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gradhealth.exceptions import ChildCrashedError, GradHealthError
from gradhealth.schemas.analysis import Device
from gradhealth.telemetry.log_lines import about
from gradhealth.telemetry.tracing import span
from storage.work.units import Loan, UnitStore

from .processes.supervisor import Job, Supervisor
from .processes.wire import Message, error_to_message

_logger = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2


class Helper:
    """Helps with the work of one device; an analysis of this worker's own goes first.

    Args:
        worker_id: This worker's name.
        device: The work it helps with.
    """

    def __init__(
        self,
        units: UnitStore,
        supervisor: Supervisor,
        *,
        worker_id: str,
        device: Device,
    ) -> None:
        self._units = units
        self._supervisor = supervisor
        self._worker_id = worker_id
        self._device = device
        self._task: asyncio.Task[None] | None = None
        self._is_wanted = False
        self._stands_back = False
        self._loan: Loan | None = None

    def start(self) -> None:
        """Begin to help."""
        self._is_wanted = True
        self._go_on()

    async def stop(self) -> None:
        """Give back what is unfinished, and help no more."""
        self._is_wanted = False
        await self._interrupt()

    @asynccontextmanager
    async def standing_back(self, analysis_id: str) -> AsyncIterator[None]:
        """Takes no units while the block lasts.

        Gives back the one it has, but finishes one of this very analysis: whoever
        takes over what it helped with has no time to lose.
        """
        self._stands_back = True
        if self._loan is None or self._loan.analysis_id != analysis_id:
            await self._interrupt()
        try:
            yield
        finally:
            self._stands_back = False
            self._go_on()

    def _go_on(self) -> None:
        if self._is_wanted and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._help())

    async def _interrupt(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _help(self) -> None:
        while not self._stands_back:
            try:
                await self._help_one_analysis()
            except Exception:
                # Whatever it was, the next one may need help.
                _logger.exception("helping another worker failed")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _help_one_analysis(self) -> None:
        """Do units in one process, which goes on where an earlier unit ended.

        It is never shared by two analyses.
        """
        loan = await self._borrow()
        while loan is not None:
            analysis_id = loan.analysis_id
            async with self._supervisor.job(self._device) as job:
                while loan is not None and loan.analysis_id == analysis_id:
                    await self._do(loan, job)
                    loan = await self._borrow()

    async def _borrow(self) -> Loan | None:
        if self._stands_back:
            return None
        borrowing = asyncio.ensure_future(
            self._units.borrow(self._worker_id, self._device)
        )
        try:
            return await asyncio.shield(borrowing)
        except asyncio.CancelledError:
            if (loan := await borrowing) is not None:
                await self._units.give_back(loan, self._worker_id, None)
            raise

    async def _do(self, loan: Loan, job: Job) -> None:
        tasks = [
            asyncio.create_task(_reply(loan, job)),
            asyncio.create_task(self._watch(loan)),
        ]
        reply: Message | None = None
        self._loan = loan
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                reply = tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._loan = None
            if reply is None:
                await job.kill()
            await self._units.give_back(loan, self._worker_id, reply)

    async def _watch(self, loan: Loan) -> None:
        wanted = True
        while wanted:
            await asyncio.sleep(_LOOK_SECONDS)
            wanted = await self._units.is_lent(loan, self._worker_id)


async def _reply(loan: Loan, job: Job) -> Message | None:
    try:
        with (
            about(analysis_id=loan.analysis_id),
            span(loan.unit, parent=loan.traceparent, key=loan.key),
        ):
            return {"result": await job.run(loan.unit, loan.arguments)}
    except ChildCrashedError as error:
        # Its own worker shall see it crash, and count the attempt.
        _logger.warning("a unit of %s crashed: %s", loan.analysis_id, error)
        return None
    except GradHealthError as error:
        return {"error": error_to_message(error)}
