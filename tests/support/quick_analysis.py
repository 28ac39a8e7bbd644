"""An analysis that reads its verdict from the spec's name, and its time from steps.

What it finds is the worse the more layers there are.
"""

from dataclasses import dataclass

from gradhealth.schemas.analysis import Progress, Result
from gradhealth.schemas.finding import Cause, Evidence, Finding

VERDICTS = ("critical", "warning", "insufficient_data")


@dataclass(frozen=True)
class Outcome:
    result: Result
    traces: bytes


async def analyse(spec, options, run_unit, report):
    """Naps a hundredth of a second for each step that is asked for."""
    steps = spec.get("training", {}).get("steps", 1)
    await report(Progress(phase="training", done=0, total=1))
    if spec["name"] == "crash":
        await run_unit("measure", "crash", {})
    await run_unit("measure", "nap", {"seconds": steps / 100})
    verdict = next((each for each in VERDICTS if each in spec["name"]), "healthy")
    findings = []
    if verdict in ("critical", "warning"):
        limits = options.thresholds.get("vanishing_gradient", {})
        findings = [finding(verdict, spec, limits.get("gain", -3.0))]
    result = Result(
        verdict=verdict,
        primary=findings[0].problem if findings else None,
        summary=f"verify_fixes={options.verify_fixes}",
        findings=findings,
    )
    return Outcome(result, b"")


def finding(severity, spec, threshold):
    return Finding(
        problem="vanishing_gradient",
        severity=severity,
        confidence=0.9,
        layers=["model.0"],
        evidence=[
            Evidence(
                statistic="log10_backward_gain",
                value=-5.0 * len(spec["model"]),
                spread=0.1,
                threshold=threshold,
                unit="log10 J",
            )
        ],
        cause=Cause(kind="depth", layers=["model.0"], text="It is deep."),
        explanation="The early layers receive next to nothing.",
    )
