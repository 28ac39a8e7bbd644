"""One analysis from its claim to its end, whatever happens on the way."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from gradhealth.exceptions import GradHealthError, JobError, TimeLimitError
from gradhealth.schemas.analysis import Options, Result
from gradhealth.telemetry.log_lines import about
from gradhealth.telemetry.tracing import span
from storage.claims import ClaimStore
from storage.dispatch import Step

from .holding import Holding
from .ports import Report, RunUnit
from .supervisor import Job, Supervisor
from .wire import Message, error_from_message, error_to_message

_logger = logging.getLogger(__name__)


class Outcome(Protocol):
    """What an analysis comes to."""

    @property
    def result(self) -> Result:
        """The diagnosis and the fixes."""

    @property
    def traces(self) -> bytes:
        """The measurements behind it, compressed."""


# Turns a spec into units of work, and their replies into the outcome.
Analyse: TypeAlias = Callable[
    [dict[str, Any], Options, RunUnit, Report], Awaitable[Outcome]
]


class Worker:
    """Works on analyses.

    Args:
        analyse: The work itself.
        job_seconds: Limit of one analysis.
    """

    def __init__(
        self,
        claims: ClaimStore,
        supervisor: Supervisor,
        *,
        analyse: Analyse,
        job_seconds: float,
    ) -> None:
        self._claims = claims
        self._supervisor = supervisor
        self._analyse = analyse
        self._job_seconds = job_seconds

    async def work(self, analysis_id: str, step: Step) -> None:
        """Claim an analysis and bring it to its end, unless the claim gets lost.

        When cancelled, the analysis is given back; the attempt does not count.
        """
        with about(analysis_id=analysis_id):
            claim = await self._claims.begin(analysis_id)
            if claim is not None:
                _logger.info("attempt %d begins", claim.attempts)
                with span("analyse", parent=claim.traceparent, id=analysis_id):
                    await self._work(Holding(self._claims, claim), step)

    async def _work(self, holding: Holding, step: Step) -> None:
        tasks = [
            asyncio.create_task(holding.watch()),
            asyncio.create_task(self._bring_to_end(holding, step)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _end(tasks)
            await holding.release()
            _logger.info("given back unfinished")
            raise
        await _end(tasks)
        for task in tasks:
            if not task.cancelled():
                # A mistake of ours ends in the log; reconciling will try again.
                task.result()

    async def _bring_to_end(self, holding: Holding, step: Step) -> None:
        try:
            outcome = await self._outcome(holding, step)
            await holding.finish(outcome.result, outcome.traces)
            _logger.info("finished: %s", outcome.result.verdict)
        except GradHealthError as error:
            _logger.warning("failed: %s", error)
            await holding.fail(error)
        except Exception as error:
            # Without this net, a mistake of ours would leave the analysis running
            # for ever in the eyes of its user.
            _logger.exception("the analysis %s failed", holding.claim.analysis_id)
            text = f"internal error: {type(error).__name__}: {error}"
            await holding.fail(JobError(text))

    async def _outcome(self, holding: Holding, step: Step) -> Outcome:
        claim, limit = holding.claim, self._job_seconds
        try:
            async with self._supervisor.job() as job, asyncio.timeout(limit):

                async def run_unit(key: str, unit: str, arguments: Message) -> Any:
                    async def attempt() -> Message:
                        with span(unit, key=key):
                            return await _attempt(holding, job, unit, arguments)

                    return _reply(await step(key, attempt))

                return await self._analyse(
                    claim.spec, claim.options, run_unit, holding.report
                )
        except TimeoutError:
            raise TimeLimitError(
                f"the analysis was stopped at its limit of {limit:g} s; ask for fewer "
                "steps, seeds or trials"
            ) from None


async def _attempt(
    holding: Holding, job: Job, unit: str, arguments: Message
) -> Message:
    # A failure is kept like a reply: whoever takes over must meet it again as what it
    # was, which the job engine's own books would not bring back.
    try:
        return {"result": await holding.persist(job, unit, arguments)}
    except GradHealthError as error:
        return {"error": error_to_message(error)}


def _reply(kept: Message) -> Any:
    if "error" in kept:
        raise error_from_message(kept["error"])
    return kept["result"]


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
