"""The gradient does not reach far back in time."""

from dataclasses import dataclass
from typing import ClassVar

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding
from .base import LogDetector, Run, beyond, evidence, finding
from .lags import smallest_gain


@dataclass(frozen=True)
class TemporalVanishing(LogDetector):
    """Less than 1e-3 of the gradient reaches the first time step, at the start.

    Whether that harms depends on how far back the task needs to look; a log does not
    say so, and without a loss that stays up it is information.
    """

    problem: ClassVar[str] = "temporal_vanishing_gradient"
    precedence: ClassVar[int] = 2

    gain: Threshold = Threshold(
        -3.0,
        "log10 of the temporal gain",
        "recurrent networks below it do not learn to recall over that lag by SGD",
    )

    def detect(self, run: Run) -> Finding | None:
        found = smallest_gain(run)
        if found is None or found.decades >= self.gain.value:
            return None
        return finding(
            problem=self.problem,
            severity="warning" if run.is_harmed else "info",
            certainty=beyond(found.decades, self.gain.value, 0.5) * run.harm_certainty,
            step=None,
            layers=[found.layer] if found.layer else [],
            shown_by=[
                evidence("log10_temporal_gain", found.decades, self.gain),
                evidence("lag", found.lag, None, "time steps"),
            ],
            cause=Cause(
                kind="recurrence",
                text=f"{10.0**found.decades:.1g} of the gradient is left "
                f"{found.lag:.0f} steps back in time.",
            ),
            explanation="What happened so far back cannot be learned from.",
        )
