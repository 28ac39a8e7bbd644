"""An analysis that takes no time: for what is measured around it."""

from dataclasses import dataclass

from gradhealth.schemas.analysis import Progress, Result
from gradhealth.schemas.finding import Cause, Evidence, Finding


@dataclass(frozen=True)
class Outcome:
    result: Result
    traces: bytes


async def analyse(_spec, _options, _run_unit, report):
    """Reports once, and finds the same thing everywhere."""
    await report(Progress(phase="training", done=0, total=1))
    finding = Finding(
        problem="vanishing_gradient",
        severity="critical",
        confidence=0.9,
        layers=["model.0"],
        evidence=[
            Evidence(
                statistic="log10_backward_gain",
                value=-5.0,
                spread=0.1,
                threshold=-3.0,
                unit="log10 J",
            )
        ],
        cause=Cause(kind="depth", layers=["model.0"], text="It is deep."),
        explanation="The early layers receive next to nothing.",
    )
    result = Result(
        verdict="critical",
        primary=finding.problem,
        summary="Nothing was trained.",
        findings=[finding],
    )
    return Outcome(result, b"")
