"""Words for findings that several formats share."""

from ..schemas.comparison import NumberChange
from ..schemas.finding import Evidence, Finding


def title_of(problem: str) -> str:
    """A problem's name for people: `vanishing_gradient` is "Vanishing gradient"."""
    return problem.replace("_", " ").capitalize()


def evidence_in_words(finding: Finding) -> str:
    """Confidence and numbers of a finding on one line."""
    numbers = [f"confidence {finding.confidence:.2f}"]
    numbers += map(number_in_words, finding.evidence)
    return ", ".join(numbers)


def number_in_words(evidence: Evidence) -> str:
    """One number with its spread, unit and threshold."""
    text = f"{evidence.statistic} = {evidence.value:.3g}"
    if evidence.spread is not None:
        text += f" ± {evidence.spread:.2g}"
    if evidence.unit and evidence.unit != evidence.statistic:
        text += f" {evidence.unit}"
    if evidence.threshold is not None:
        text += f" (threshold {evidence.threshold:.3g})"
    return text


def change_in_words(change: NumberChange) -> str:
    """A number before and after, the change absolute and relative."""
    text = f"{change.statistic} {change.before:.3g} → {change.after:.3g}"
    difference = f"{change.difference:+.2g}"
    if change.statistic.startswith("log10_"):
        # A share of a logarithm says nothing.
        difference += " decades"
    elif change.relative is not None:
        difference += f", {change.relative:+.0%}"
    return f"{text} ({difference}; noise {change.noise:.2g})"
