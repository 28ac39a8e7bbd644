"""The gradient grows on its way back in time."""

from dataclasses import dataclass
from typing import ClassVar

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding
from .base import LogDetector, Run, beyond, evidence, finding, severity_by_harm
from .lags import largest_gain


@dataclass(frozen=True)
class TemporalExploding(LogDetector):
    """More than 1e3 times the gradient arrives at the first time step, at the start."""

    problem: ClassVar[str] = "temporal_exploding_gradient"
    precedence: ClassVar[int] = 1

    gain: Threshold = Threshold(
        3.0, "log10 of the temporal gain", "the same bound as over depth"
    )

    def detect(self, run: Run) -> Finding | None:
        found = largest_gain(run)
        if found is None or found.decades <= self.gain.value:
            return None
        return finding(
            problem=self.problem,
            severity=severity_by_harm(run),
            certainty=beyond(found.decades, self.gain.value, 0.5) * run.harm_certainty,
            step=None,
            layers=[found.layer] if found.layer else [],
            shown_by=[evidence("log10_temporal_gain", found.decades, self.gain)],
            cause=Cause(
                kind="recurrence",
                text=f"A gradient grows {10.0**found.decades:.1g} times over "
                f"{found.lag:.0f} steps back in time (Pascanu 2013).",
            ),
            explanation="Long sequences get steps that short ones pay for.",
        )
