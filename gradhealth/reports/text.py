"""The result for a person at a terminal."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from ..schemas.analysis import Environment, Result
from ..schemas.comparison import Comparison
from ..schemas.finding import Finding
from .base import Report, Subject
from .paragraphs import paragraph, printable
from .picture import picture_backward_gain
from .proof import describe_fixes
from .prose import change_in_words, number_in_words


class TextReport(Report):
    """Verdict, picture, findings with their evidence, and fixes with their proof."""

    format: ClassVar[str] = "text"
    media_type: ClassVar[str] = "text/plain"

    def render(self, subjects: Sequence[Subject]) -> str:
        """The reports below each other."""
        if not subjects:
            return "nothing to report"
        texts = ("\n".join(_subject(subject)) for subject in subjects)
        return printable("\n\n".join(texts))


def _subject(subject: Subject) -> Iterator[str]:
    result = subject.result
    if result is None:
        yield f"{subject.name}: no result"
        for line in (subject.error or "").splitlines():
            indent = 2 + len(line) - len(line.lstrip())
            yield from paragraph(line, indent=indent, hanging=2)
        return
    yield " - ".join(
        filter(None, (f"{subject.name}: {result.verdict}", result.primary))
    )
    yield from paragraph(result.summary, indent=2)
    if subject.comparison:
        yield from _comparison(subject.comparison)
    yield from _picture(result)
    if result.findings:
        yield from ("", "  Findings")
    for finding in result.findings:
        yield from _finding(finding)
    yield from _listed("Signs", [sign.text for sign in result.signs])
    yield from describe_fixes(result.fixes)
    yield from _listed("Notes", result.notes)
    if result.environment.device:
        yield from ("", f"  {_circumstances(result.environment)}")


def _listed(title: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield from ("", f"  {title}")
    for text in texts:
        yield from paragraph(f"- {text}", indent=4, hanging=2)


def _comparison(comparison: Comparison) -> Iterator[str]:
    yield from ("", f"  Compared with the baseline: {comparison.summary}")
    for number in comparison.numbers:
        yield from paragraph(change_in_words(number), indent=4)


def _picture(result: Result) -> Iterator[str]:
    lines = picture_backward_gain(result.layers, result.theory)
    if lines:
        yield from ("", "  Backward gain at the start (1: gradients keep their size)")
        yield from (f"  {line}" for line in lines)


def _finding(finding: Finding) -> Iterator[str]:
    confidence = f"confidence {finding.confidence:.2f}"
    yield f"    {finding.severity}: {finding.problem} ({confidence})"
    if finding.consequence_of:
        yield f"      a consequence of {finding.consequence_of}"
    yield from paragraph(
        f"cause ({finding.cause.kind}): {finding.cause.text}", indent=6
    )
    for evidence in finding.evidence:
        yield f"      {number_in_words(evidence)}"


def _circumstances(environment: Environment) -> str:
    seeds = ", ".join(str(seed) for seed in environment.seeds)
    seconds = environment.durations.total
    return f"measured on {environment.device} with seeds {seeds} in {seconds:.1f} s"
