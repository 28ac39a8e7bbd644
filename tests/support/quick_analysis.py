"""An analysis that reads its verdict from the spec's name, and its time from steps."""

from dataclasses import dataclass

from gradhealth.schemas.analysis import Progress, Result

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
    primary = "vanishing_gradient" if verdict in ("critical", "warning") else None
    summary = f"verify_fixes={options.verify_fixes}"
    return Outcome(Result(verdict=verdict, primary=primary, summary=summary), b"")
