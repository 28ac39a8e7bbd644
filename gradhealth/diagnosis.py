"""Decides: from the statistics of the runs to ranked findings and one verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .architecture.network import Network
from .detectors.base import HARM, MIN_STEPS, Case
from .detectors.tuned import DEFAULTS, Thresholds, all_detectors
from .schemas.finding import SEVERITIES, Cause, Evidence, Finding, Verdict
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


# What follows (left) from what (right) when both are found.
CONSEQUENCES = frozenset(
    {
        ("non_finite", "exploding_gradient"),
        ("non_finite", "temporal_exploding_gradient"),
        ("exploding_gradient", "temporal_exploding_gradient"),
        ("dead_relu", "exploding_gradient"),
        ("saturated_activation", "exploding_gradient"),
        ("vanishing_gradient", "weight_collapse"),
        ("dead_relu", "weight_collapse"),
        ("vanishing_gradient", "dead_relu"),
        ("vanishing_gradient", "saturated_activation"),
        ("saturated_activation", "vanishing_gradient"),
        ("dead_relu", "vanishing_gradient"),
        ("vanishing_gradient", "temporal_vanishing_gradient"),
    }
)


def diagnose(
    traces: Sequence[Trace],
    network: Network | None = None,
    thresholds: Thresholds = DEFAULTS,
    *,
    assume_harm: bool = False,
) -> Diagnosis:
    """Judges the runs of one network.

    Args:
        traces: One for each seed.
        network: The architecture, for the cause; null for a log.
        thresholds: Values in place of the detectors' own.
        assume_harm: The start alone makes sure that the network does not learn.
    """
    case = Case(Statistics(tuple(traces)), network, harm_is_assumed=assume_harm)
    detectors = sorted(
        all_detectors(thresholds),
        key=lambda detector: (detector.is_last_resort, detector.precedence),
    )
    findings: list[tuple[int, Finding]] = []
    for detector in detectors:
        if detector.is_last_resort and any(f.severity != "info" for _, f in findings):
            continue
        finding = detector.detect(case)
        if finding is not None:
            findings.append((detector.precedence, finding))
    findings.sort(key=_rank)
    return _conclude(case, _linked([finding for _, finding in findings]))


def _rank(entry: tuple[int, Finding]) -> tuple[int, bool, int]:
    """Severity first; what a detector knows to be a consequence after its causes."""
    precedence, finding = entry
    severity = -SEVERITIES.index(finding.severity)
    return severity, finding.consequence_of is not None, precedence


def _linked(ranked: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings, each with the problem it merely follows from.

    A cause stands before its consequences; of two that could be either, the one that
    ranks first is the cause.
    """
    linked: list[Finding] = []
    for finding in ranked:
        causes = [
            earlier.problem
            for earlier in linked
            if (finding.problem, earlier.problem) in CONSEQUENCES
        ]
        is_open = causes and finding.consequence_of is None
        update = {"consequence_of": causes[0]} if is_open else {}
        linked.append(finding.model_copy(update=update))
    return tuple(linked)


def confirm_rate(
    diagnosis: Diagnosis, *, lr_multiplier: float, progress: float
) -> Diagnosis:
    """The diagnosis after the unfixed network learned at another learning rate.

    That shows a learning rate to be the cause, or at least to be one way out: of a
    training that stalls, too many layers are only suspected.

    Args:
        diagnosis: From the runs at the rate as sent.
        lr_multiplier: Factor on that rate.
        progress: What the network reached there, unchanged.
    """
    first, *others = diagnosis.findings
    shown = Evidence(
        statistic="progress_at_other_rate",
        value=progress,
        threshold=HARM.value,
        unit=f"progress at {lr_multiplier:g} x the learning rate",
    )
    cause = first.cause
    text = f"{cause.text} At {lr_multiplier:g} times the rate it learns as it is."
    is_suspected = first.problem == "stalled_training" and cause.kind == "depth"
    if is_suspected or cause.kind == "unknown":
        cause = Cause(kind="learning_rate", text=text)
    else:
        cause = cause.model_copy(update={"text": text})
    update = {"evidence": [*first.evidence, shown], "cause": cause}
    findings = (first.model_copy(update=update), *others)
    return replace(diagnosis, findings=findings)


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
    if not (case.is_trained or case.has_gain):
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
