"""Analyses without training: theory, and a look at the initialised network."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gradhealth.architecture.network import resolve
from gradhealth.early import judge_early
from gradhealth.schemas.analysis import Options, Result

from .analyst import OnProgress
from .run_results import LogReading, RunResult, judge_runs


class FastAnalyst:
    """Decides where that is sure without training, and says where it is not."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def analyse(
        self,
        spec: dict[str, Any],
        options: Options,
        on_progress: OnProgress,  # noqa: ARG002 -- nothing takes long
        *,
        seconds: float | None = None,  # noqa: ARG002 -- same
    ) -> Result:
        """See `Analyst`."""
        return judge_early(resolve(spec), options.thresholds)

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
