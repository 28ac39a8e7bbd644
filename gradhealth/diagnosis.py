"""Decides: from the statistics of the runs to ranked findings and one verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from .detectors.base import MIN_STEPS, Case, Detector
from .network import Network
from .registry import subclasses_in
from .schemas.finding import SEVERITIES, Finding, Verdict
from .schemas.trace import Trace
from .statistics import Statistics


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found.

    Attributes:
        primary: Problem of the first warning or critical finding; null when healthy.
        notes: What limits the judgement.
    """

    verdict: Verdict
    primary: str | None
    summary: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def diagnose(traces: Sequence[Trace], network: Network | None = None) -> Diagnosis:
    """Judges the runs of one network.

    Args:
        traces: One for each seed.
        network: The architecture, for the cause; null for a log.
    """
    case = Case(Statistics(tuple(traces)), network)
    detectors = sorted(
        (kind() for kind in subclasses_in("gradhealth.detectors", Detector)),
        key=lambda detector: (detector.is_last_resort, detector.precedence),
    )
    findings: list[tuple[int, Finding]] = []
    for detector in detectors:
        if detector.is_last_resort and any(f.severity != "info" for _, f in findings):
            continue
        finding = detector.detect(case)
        if finding is not None:
            findings.append((detector.precedence, finding))
    findings.sort(key=lambda entry: (-SEVERITIES.index(entry[1].severity), entry[0]))
    ranked = tuple(finding for _, finding in findings)
    return _conclude(case, ranked)


def _conclude(case: Case, findings: tuple[Finding, ...]) -> Diagnosis:
    loud = [finding for finding in findings if finding.severity != "info"]
    notes = _notes(case)
    if loud:
        first = loud[0]
        verdict: Verdict = "critical" if first.severity == "critical" else "warning"
        name = first.problem.replace("_", " ").capitalize()
        return Diagnosis(
            verdict, first.problem, f"{name}: {first.cause.text}", findings, notes
        )
    if not case.is_trained and case.statistics.log10_gain.shape[1] < 2:  # noqa: PLR2004 -- two stations
        return Diagnosis(
            "insufficient_data",
            None,
            f"Not enough to judge: train for at least {MIN_STEPS} steps.",
            findings,
            notes,
        )
    summary = "Healthy: the gradient reaches every layer"
    if case.is_trained:
        summary += f" and the network learns (progress {case.progress.mean:.2f})"
    return Diagnosis("healthy", None, f"{summary}.", findings, notes)


def _notes(case: Case) -> tuple[str, ...]:
    if case.is_trained:
        return ()
    note = f"Fewer than {MIN_STEPS} steps were trained: learning was not judged."
    return (note,)
