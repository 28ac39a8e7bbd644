"""One analysis from its claim to its end, whatever happens on the way."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

from gradhealth.exceptions import (
    ChildCrashedError,
    GradHealthError,
    JobError,
    TimeLimitError,
)
from gradhealth.schemas.analysis import Device, Options, Result
from gradhealth.schemas.finding import Verdict
from gradhealth.telemetry.log_lines import about
from gradhealth.telemetry.tracing import span
from storage.uploads.readings import ReadingStore, ReadRun
from storage.work.claims import Claim, ClaimStore
from storage.work.units import NewUnit, UnitStore

from .device_check import DeviceCheck
from .helping import Helper
from .holding import Holding
from .logs.analysis import analyse_log
from .pool import UnitPool
from .ports import Report, RunUnit
from .processes.supervisor import Job, Supervisor

_logger = logging.getLogger(__name__)
T = TypeVar("T")


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
    [dict[str, Any], Options, RunUnit, Report], Coroutine[Any, Any, Outcome]
]


class Worker:
    """Works on analyses.

    Args:
        readings: The logs that are to be read.
        helpers: Who helps others with the same device meanwhile, and must not.
        device_check: Asked after a training ended badly.
        analyse: The work on an architecture.
        job_seconds: Limit of one analysis.
        has_company: Whether there are other workers.
    """

    def __init__(  # noqa: PLR0913 -- everything that an analysis touches
        self,
        claims: ClaimStore,
        units: UnitStore,
        readings: ReadingStore,
        supervisor: Supervisor,
        *,
        helpers: Mapping[Device, Helper],
        device_check: DeviceCheck,
        analyse: Analyse,
        job_seconds: float,
        has_company: Callable[[], bool],
    ) -> None:
        self._claims = claims
        self._units = units
        self._readings = readings
        self._supervisor = supervisor
        self._helpers = helpers
        self._device_check = device_check
        self._analyse = analyse
        self._job_seconds = job_seconds
        self._has_company = has_company

    async def work(self, analysis_id: str) -> None:
        """Claim an analysis and bring it to its end, unless the claim gets lost.

        When cancelled, the analysis is given back; the attempt does not count.
        """
        with about(analysis_id=analysis_id):
            claim = await self._claims.begin(analysis_id)
            if claim is not None:
                _logger.info("attempt %d begins", claim.attempts)
                with span("analyse", parent=claim.traceparent, id=analysis_id):
                    await self._work(Holding(self._claims, claim))

    async def _work(self, holding: Holding) -> None:
        claim = holding.claim
        async with self._helpers[claim.queue].standing_back(claim.analysis_id):
            await self._hold(holding)
            if isinstance(holding.failure, ChildCrashedError | TimeLimitError):
                await self._device_check.check(claim.queue)

    async def _hold(self, holding: Holding) -> None:
        tasks = [
            asyncio.create_task(holding.watch()),
            asyncio.create_task(self._bring_to_end(holding)),
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

    async def _bring_to_end(self, holding: Holding) -> None:
        try:
            verdict = await self._conclude(holding)
            _logger.info("finished: %s", verdict)
        except GradHealthError as error:
            _logger.warning("failed: %s", error)
            await holding.fail(error)
        except Exception as error:
            # Without this net, a mistake of ours would leave the analysis running
            # for ever in the eyes of its user.
            _logger.exception("the analysis %s failed", holding.claim.analysis_id)
            text = f"internal error: {type(error).__name__}: {error}"
            await holding.fail(JobError(text))

    async def _conclude(self, holding: Holding) -> Verdict:
        claim = holding.claim
        if claim.kind == "trace":
            runs = await self._within_limits(holding, partial(self._read_log, claim))
            await holding.finish_log(self._readings, runs)
            return runs[0].result.verdict
        work = partial(self._analyse, claim.spec, claim.options)
        outcome = await self._within_limits(holding, work)
        await holding.finish(outcome.result, outcome.traces)
        return outcome.result.verdict

    async def _read_log(
        self, claim: Claim, run_unit: RunUnit, report: Report
    ) -> list[ReadRun]:
        log = await self._readings.load(claim.analysis_id)
        if log is None:
            raise JobError("the log was deleted before it was read")
        limits = claim.spec["limits"]
        return await analyse_log(log, limits, claim.options, run_unit, report)

    async def _within_limits(
        self,
        holding: Holding,
        work: Callable[[RunUnit, Report], Coroutine[Any, Any, T]],
    ) -> T:
        claim, limit = holding.claim, self._job_seconds
        try:
            async with (
                self._supervisor.job(claim.queue) as job,
                asyncio.timeout(limit),
            ):
                pool = UnitPool(
                    self._units,
                    partial(_do, holding, job),
                    current_claim=lambda: holding.claim,
                    has_company=self._has_company,
                )
                await pool.load()
                return await pool.serve(work(pool.run, holding.report))
        except TimeoutError:
            raise TimeLimitError(
                f"the analysis was stopped at its limit of {limit:g} s; ask for fewer "
                "steps, seeds or trials"
            ) from None


async def _do(holding: Holding, job: Job, unit: NewUnit) -> Any:
    with span(unit.unit, key=unit.key):
        return await holding.persist(job, unit)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
