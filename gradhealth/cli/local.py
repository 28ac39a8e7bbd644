"""Analyses on this machine: no service, no database."""

import asyncio
import importlib
import math
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from gradhealth.architecture.network import resolve
from gradhealth.exceptions import JobError, TimeLimitError
from gradhealth.schemas.analysis import Options, Progress, Result
from gradhealth.schemas.event import News
from worker.config import WorkerSettings
from worker.processes.supervisor import Supervisor

from .analyst import OnProgress
from .run_results import LogReading, RunResult, judge_runs


class LocalAnalyst:
    """Trains in processes of its own, as a worker does; logs need neither."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if "_workshop" in vars(self):
            self._workshop.close()

    def analyse(
        self,
        spec: dict[str, Any],
        options: Options,
        on_progress: OnProgress,
        *,
        seconds: float | None = None,
    ) -> Result:
        """See `Analyst`."""
        resolve(spec)
        return self._workshop.analyse(spec, options, on_progress, seconds)

    def judge_log(
        self,
        path: Path,
        reading: LogReading,
        options: Options,
        *,
        seconds: float | None = None,  # noqa: ARG002 -- nothing takes long
    ) -> list[RunResult]:
        """See `Analyst`."""
        return judge_runs(path, reading, options.thresholds)

    @cached_property
    def _workshop(self) -> "Workshop":
        return Workshop()


class Workshop:
    """What an analysis with training needs, from the first one on.

    Raises:
        JobError: torch is not installed, or a setting is wrong.
    """

    def __init__(self) -> None:
        if find_spec("torch") is None:
            raise JobError(
                "torch is not installed here: pip install 'gradhealth[worker]', or "
                "let a service do the work with --server URL"
            )
        try:
            self._settings = WorkerSettings()
        except ValidationError as error:
            raise JobError(f"a setting is wrong: {error}") from error
        # Chosen by the same setting as a worker's.
        self._work = importlib.import_module(self._settings.analysis_module)
        self._supervisor = Supervisor(self._settings)
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """Ends every process."""
        with self._runner:
            self._runner.run(self._supervisor.stop())

    def analyse(
        self,
        spec: dict[str, Any],
        options: Options,
        on_progress: OnProgress,
        seconds: float | None,
    ) -> Result:
        """The result for one spec; see `Analyst`."""
        limit = seconds or self._settings.job_seconds
        return self._runner.run(self._analyse(spec, options, on_progress, limit))

    async def _analyse(
        self,
        spec: dict[str, Any],
        options: Options,
        on_progress: OnProgress,
        limit: float,
    ) -> Result:
        phase = Progress()

        async def report(news: News) -> None:
            nonlocal phase
            if isinstance(news, Progress):
                phase = news
                on_progress(news)

        def report_steps(done: int, total: int) -> None:
            # A unit's own steps are shown where the analysis counts nothing larger.
            if not phase.total:
                on_progress(phase.model_copy(update={"done": done, "total": total}))

        try:
            async with asyncio.timeout(limit), self._supervisor.job() as job:

                async def run_unit(
                    key: str,  # noqa: ARG001 -- nothing is kept here
                    unit: str,
                    arguments: dict[str, Any],
                    *,
                    begin_before: float = math.inf,
                ) -> Any:
                    return await job.run(
                        unit, arguments, report_steps, begin_before=begin_before
                    )

                outcome = await self._work.analyse(spec, options, run_unit, report)
        except TimeoutError:
            raise TimeLimitError(f"not finished after {limit:.3g} s") from None
        result: Result = outcome.result
        return result
