"""What a recorded run shows, for a notebook."""

from dataclasses import dataclass

import torch

from ..logs.results import judge_log
from ..reports.base import Subject
from ..reports.shown import Shown
from ..schemas.analysis import Result
from ..schemas.finding import Finding, Verdict
from ..schemas.trace import Trace
from .recorder import Recorder


@dataclass(frozen=True, slots=True)
class Judgement(Shown):
    """The diagnosis of one run; a notebook shows it with its figures.

    Attributes:
        trace: What was recorded.
        result: The whole answer, as a service gives it.
    """

    trace: Trace
    result: Result

    @property
    def verdict(self) -> Verdict:
        """The worst severity found, or whether there was enough to judge by."""
        return self.result.verdict

    @property
    def findings(self) -> list[Finding]:
        """Problems with their evidence, the worst first."""
        return self.result.findings

    @property
    def subject(self) -> Subject:
        return Subject(self.trace.run, self.result)


def diagnose(recorder: Recorder) -> Judgement:
    """Judges everything recorded so far, also while the training still runs."""
    trace = recorder.trace()
    result = judge_log(trace)
    versions = {**result.environment.versions, "torch": torch.__version__}
    result = result.model_copy(
        update={
            "notes": [*recorder.notes, *result.notes],
            "environment": result.environment.model_copy(update={"versions": versions}),
        }
    )
    return Judgement(trace, result)
