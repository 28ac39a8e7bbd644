"""Who analyses a spec for a command: this machine, or a service."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from gradhealth.schemas.analysis import Options, Progress, Result

OnProgress: TypeAlias = Callable[[Progress], None]


class Analyst(AbstractContextManager["Analyst"], Protocol):
    """Analyses specs while its block lasts."""

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
