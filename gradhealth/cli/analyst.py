"""Who analyses specs and judges logs for a command: this machine, or a service."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from gradhealth.schemas.analysis import Options, Progress, Result

from .run_results import LogReading, RunResult

OnProgress: TypeAlias = Callable[[Progress], None]


class Analyst(AbstractContextManager["Analyst"], Protocol):
    """Analyses specs and judges logs while its block lasts."""

    def analyse(
        self,
        spec: dict[str, Any],
        options: Options,
        on_progress: OnProgress,
        *,
        seconds: float | None = None,
    ) -> Result:
        """The result for one spec.

        Args:
            spec: The architecture.
            options: How much work it may be.
            on_progress: Is told how far it has come.
            seconds: Give up after so long; None to take the worker's limit.

        Raises:
            InvalidDocumentError: The spec cannot be built; pointers are into it.
            JobError: The analysis failed or took too long.
            GradHealthError: The service is not there, or refuses.
        """
        ...

    def judge_log(
        self,
        path: Path,
        reading: LogReading,
        options: Options,
        *,
        seconds: float | None = None,
    ) -> list[RunResult]:
        """The results for all runs in a log, at least one.

        Args:
            path: The file.
            reading: How it is to be read.
            options: By which thresholds it is judged, and the name of the file.
            seconds: Give up after so long, where another one does the work.

        Raises:
            InvalidDocumentError: It cannot be read as a log.
            GradHealthError: The service is not there, or refuses.
        """
        ...
