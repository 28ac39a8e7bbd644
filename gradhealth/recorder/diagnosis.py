"""What a recorded run shows, for a notebook."""

from dataclasses import dataclass
from html import escape

import torch

from ..diagnosis import diagnose as judge
from ..reports.base import Subject
from ..reports.html import HtmlReport
from ..reports.text import TextReport
from ..results import assemble
from ..schemas.analysis import Environment, Result
from ..schemas.finding import Finding, Verdict
from ..schemas.trace import Trace
from .recorder import Recorder


@dataclass(frozen=True, slots=True)
class Judgement:
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

    def to_html(self) -> str:
        """One page without scripts, to be written to a file."""
        return HtmlReport().render([self._subject])

    def __str__(self) -> str:
        return TextReport().render([self._subject])

    def _repr_html_(self) -> str:
        # A frame of its own, since the page has its own style sheet.
        return (
            f'<iframe srcdoc="{escape(self.to_html())}" title="Gradient health" '
            'style="width: 100%; height: 60em; border: 0" sandbox></iframe>'
        )

    @property
    def _subject(self) -> Subject:
        return Subject(self.trace.run, self.result)


def diagnose(recorder: Recorder) -> Judgement:
    """Judges everything recorded so far, also while the training still runs."""
    trace = recorder.trace()
    result = assemble(
        judge([trace]),
        [trace],
        notes=recorder.notes,
        environment=Environment(versions={"torch": torch.__version__}),
    )
    return Judgement(trace, result)
