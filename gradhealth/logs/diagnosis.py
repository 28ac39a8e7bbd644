"""Decides about a log: ranked findings, what followed what, one verdict."""

from collections.abc import Sequence

from ..detectors.tuned import DEFAULTS, Thresholds
from ..diagnosis import Diagnosis
from ..schemas.finding import SEVERITIES, Finding, Verdict
from .detectors.base import Run
from .detectors.tuned import all_log_detectors
from .histories.loss import MIN_LOSSES
from .histories.norms import MIN_NORMS

# What can follow (left) from what (right), when it does not begin before it.
CONSEQUENCES = frozenset(
    {
        ("non_finite", "exploding_gradient"),
        ("non_finite", "divergence"),
        ("non_finite", "gradient_growth"),
        ("divergence", "exploding_gradient"),
        ("divergence", "gradient_growth"),
        ("exploding_gradient", "temporal_exploding_gradient"),
        ("vanishing_gradient", "dead_relu"),
        ("vanishing_gradient", "saturated_activation"),
        ("weight_collapse", "vanishing_gradient"),
        ("stalled_training", "vanishing_gradient"),
        ("stalled_training", "temporal_vanishing_gradient"),
        ("stalled_training", "dead_relu"),
        ("stalled_training", "saturated_activation"),
        ("stalled_training", "weight_collapse"),
        ("stalled_training", "exploding_gradient"),
        ("stalled_training", "gradient_growth"),
        ("stalled_training", "clipping_always_on"),
        ("stalled_training", "non_finite"),
    }
)
# These have no step of their own: what they cause may begin anywhere.
_START = -1


def diagnose_log(run: Run, thresholds: Thresholds = DEFAULTS) -> Diagnosis:
    """Judges one run by its own history.

    Args:
        run: As far as it has come.
        thresholds: Values in place of the detectors' own.
    """
    found = [
        (detector.precedence, finding)
        for detector in all_log_detectors(thresholds)
        if (finding := detector.detect(run)) is not None
    ]
    linked = [
        (precedence, _linked(finding, [other for _, other in found]))
        for precedence, finding in found
    ]
    linked.sort(key=_rank)
    return _conclude(run, tuple(finding for _, finding in linked))


def _linked(finding: Finding, others: Sequence[Finding]) -> Finding:
    causes = [
        other
        for other in others
        if (finding.problem, other.problem) in CONSEQUENCES
        and other.severity != "info"
        and _began(other) <= _began(finding)
    ]
    if finding.consequence_of is not None or not causes:
        return finding
    first = min(causes, key=_began)
    return finding.model_copy(update={"consequence_of": first.problem})


def _began(finding: Finding) -> int:
    return _START if finding.step is None else finding.step


def _rank(entry: tuple[int, Finding]) -> tuple[int, bool, int]:
    precedence, finding = entry
    severity = -SEVERITIES.index(finding.severity)
    return severity, finding.consequence_of is not None, precedence


def _conclude(run: Run, findings: tuple[Finding, ...]) -> Diagnosis:
    loud = [finding for finding in findings if finding.severity != "info"]
    notes = tuple(_notes(run))
    if loud:
        first = loud[0]
        verdict: Verdict = "critical" if first.severity == "critical" else "warning"
        name = first.problem.replace("_", " ").capitalize()
        summary = f"{name}: {first.cause.text}"
        return Diagnosis(verdict, first.problem, summary, findings, notes)
    if not _is_judged(run):
        return Diagnosis("insufficient_data", None, _wanted(run), findings, notes)
    return Diagnosis("healthy", None, _summary(run, findings), findings, notes)


def _is_judged(run: Run) -> bool:
    """Whether what shows no problem is long enough to have shown one."""
    by_depth = run.depth is not None and run.depth.num_norms >= MIN_NORMS
    return run.loss.is_enough or run.norms.is_enough or by_depth


def _wanted(run: Run) -> str:
    losses, norms = len(run.loss.values), len(run.norms.values)
    if run.depth is not None:
        norms = max(norms, run.depth.num_norms)
    return (
        f"Not enough to judge. Losses logged: {losses}, gradient norms: {norms}. "
        f"Log at least {MIN_LOSSES} losses, and {MIN_NORMS} norms of all gradients or "
        "those of three layers in the order of depth."
    )


def _summary(run: Run, latent: Sequence[Finding]) -> str:
    if run.learning == "learned":
        falls = (
            f"Healthy: the loss comes down from {run.loss.start:.3g} to "
            f"{run.loss.end:.3g}"
        )
        if latent:
            names = ", ".join(each.problem.replace("_", " ") for each in latent)
            return f"{falls}; beside it, and without harm so far: {names}."
        return f"{falls} and the gradients stay within the run's own range."
    return (
        "No problem shows in what was logged; whether anything is learned cannot be "
        "told from it."
    )


def _notes(run: Run) -> list[str]:
    context, notes = run.history.context, []
    if run.history.layer_series_names:
        notes.append(_ORDERS[context.layer_order])
    if not run.loss.is_enough:
        notes.append(
            f"The log has too few finite losses ({len(run.loss.values)}): learning was "
            "not judged, so problems count by what the gradients show."
        )
    elif run.learning == "unknown":
        notes.append(
            "The loss neither falls nor lies at a known chance level: it may have "
            "converged before, or its level means nothing. The loss of the best "
            "constant prediction (context.trivial_loss) would tell."
        )
    notes += [f"The source of this log hides: {what}." for what in context.hides]
    notes += [f"Reading the log: {note}." for note in context.notes]
    return notes


_ORDERS = {
    "given": "The order of the layers is as given.",
    "name": "The order of the layers was read from their names.",
    "file": "The order of the layers is that of the file.",
    "unknown": "The order of the layers is unknown: nothing was judged by depth.",
}
