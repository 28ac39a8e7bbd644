"""The units of one analysis: done here one after the other, offered to idle workers.

Whoever does a unit, its reply is kept under its key until the analysis ends: a worker
that takes the analysis over is given it instead of doing the unit again.
"""

import asyncio
import math
import time
from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from gradhealth.exceptions import GradHealthError
from storage.work.claims import Claim
from storage.work.units import NewUnit, UnitState, UnitStore

from .ports import TooLateError
from .processes.wire import Message, error_from_message, error_to_message

_LOOK_SECONDS = 0.1
# A unit whose arguments carry much data is done here: it would be written and read
# for every borrower.
_MAX_OFFERED_CHARACTERS = 2**20

T = TypeVar("T")
# Does a unit in a training process of this worker.
DoHere: TypeAlias = Callable[[NewUnit], Awaitable[Any]]


@dataclass(eq=False, slots=True)
class _Request:
    """A unit that somebody waits for."""

    unit: NewUnit
    begin_before: float
    reply: Future[Message] = field(default_factory=Future)
    # Once is enough: what comes back is done here.
    was_offered: bool = False
    offered: bool = False
    elsewhere: bool = False
    here: bool = False


class UnitPool:
    """Does units, several at a time where other workers are idle.

    Args:
        do_here: Does a unit in this worker.
        current_claim: The claim on the analysis, which a crash may renew.
        has_company: Whether there are other workers at all.
    """

    def __init__(
        self,
        units: UnitStore,
        do_here: DoHere,
        *,
        current_claim: Callable[[], Claim],
        has_company: Callable[[], bool],
    ) -> None:
        self._units = units
        self._do_here = do_here
        self._claim = current_claim
        self._has_company = has_company
        self._known: dict[str, UnitState] = {}
        self._open: list[_Request] = []
        self._asked = asyncio.Event()
        # What is done here is not to be offered meanwhile.
        self._choosing = asyncio.Lock()

    async def load(self) -> None:
        """Learn what was done before this worker had the analysis."""
        self._known = await self._units.states(self._claim().analysis_id)

    async def run(
        self,
        key: str,
        unit: str,
        arguments: Message,
        *,
        begin_before: float = math.inf,
    ) -> Any:
        """Do a unit here or elsewhere; see `RunUnit`."""
        known = self._known.get(key)
        if known is not None and known.reply is not None:
            return _result(known.reply)
        request = _Request(NewUnit(key, unit, arguments), begin_before)
        request.was_offered = known is not None
        request.offered = known is not None and known.offered
        request.elsewhere = known is not None and known.worker_id is not None
        self._open.append(request)
        self._asked.set()
        return _result(await request.reply)

    async def serve(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the units that some work asks for, until it has ended."""
        asking = asyncio.create_task(work)
        serving = [
            asyncio.create_task(each)
            for each in (self._work_here(), self._hear_from_others())
        ]
        tasks: list[asyncio.Task[Any]] = [asking, *serving]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in serving:
            if not task.cancelled():
                task.result()  # a mistake of ours: it never ends by itself
        return asking.result()

    async def _work_here(self) -> None:
        while True:
            await self._asked.wait()
            # Let everything that is asked for at once arrive.
            await asyncio.sleep(0)
            request = await self._choose()
            if request is not None:
                await self._do(request)
            else:
                # The rest is being done elsewhere, unless it comes back.
                await asyncio.sleep(_LOOK_SECONDS)

    async def _choose(self) -> _Request | None:
        async with self._choosing:
            await self._offer()
            for request in list(self._open):
                if await self._is_for_us(request):
                    request.here = True
                    return request
        return None

    async def _offer(self) -> None:
        if not self._has_company():
            return
        waiting = [
            each
            for each in self._open[1:]
            if not (each.was_offered or each.here) and _is_small(each.unit)
        ]
        if waiting:
            await self._units.offer(self._claim(), [each.unit for each in waiting])
        for each in waiting:
            each.offered = each.was_offered = True

    async def _is_for_us(self, request: _Request) -> bool:
        if request.elsewhere or request.reply.done():
            return False
        if request.offered:
            mine = await self._units.take_back(self._claim(), request.unit.key)
            request.offered, request.elsewhere = not mine, not mine
            return mine
        return True

    async def _do(self, request: _Request) -> None:
        if time.monotonic() >= request.begin_before:
            self._close(request)
            request.reply.set_exception(TooLateError())
            return
        try:
            # A failure is kept like a reply: whoever takes over must meet it again.
            reply = {"result": await self._do_here(request.unit)}
        except GradHealthError as error:
            reply = {"error": error_to_message(error)}
        await self._units.keep(self._claim(), request.unit, reply)
        self._answer(request, reply)

    async def _hear_from_others(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            # Company may have come while a unit is done here.
            async with self._choosing:
                await self._offer()
            shared = [each for each in self._open if each.offered or each.elsewhere]
            if not shared:
                continue
            states = await self._units.states(
                self._claim().analysis_id, [each.unit.key for each in shared]
            )
            for request in shared:
                state = states.get(request.unit.key)
                if state is None:
                    continue
                request.elsewhere = state.worker_id is not None
                request.offered = state.offered
                if state.reply is not None:
                    self._answer(request, state.reply)

    def _answer(self, request: _Request, reply: Message) -> None:
        self._close(request)
        if not request.reply.done():
            request.reply.set_result(reply)

    def _close(self, request: _Request) -> None:
        if request in self._open:
            self._open.remove(request)
        if not self._open:
            self._asked.clear()


def _result(kept: Message) -> Any:
    if "error" in kept:
        raise error_from_message(kept["error"])
    return kept["result"]


def _is_small(unit: NewUnit) -> bool:
    return len(repr(unit.arguments)) < _MAX_OFFERED_CHARACTERS
