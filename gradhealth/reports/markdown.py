"""Markdown for a job's summary or a comment on a pull request."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from ..schemas.comparison import Comparison
from ..schemas.finding import Finding, Verdict
from ..schemas.fix import Fix, Measurement
from .base import Report, Subject
from .picture import picture_backward_gain
from .prose import change_in_words, number_in_words, title_of

# By this a later run finds its comment again and updates it.
MARKER = "<!-- gradhealth-report -->"
# GitHub refuses comments of more than 65,536 characters.
MAX_CHARACTERS = 65_000
_CUT = "\n\n_Cut here: the report is longer than a comment may be._\n"
_CUT_WITH_LINK = "\n\n_Cut here: the whole report is with [this run]({link})._\n"
# State is shown by a shape and a word, never by colour alone.
_SIGNS: Mapping[Verdict, str] = {
    "healthy": "✅",
    "warning": "⚠️",
    "critical": "❌",
    "insufficient_data": "❔",
}


class MarkdownReport(Report):
    """A table of all subjects, then the details of each, folded."""

    format: ClassVar[str] = "markdown"
    media_type: ClassVar[str] = "text/markdown"

    def render(self, subjects: Sequence[Subject]) -> str:
        """At most 65,000 characters, the rest cut at the end of a subject's details."""
        parts = [
            "\n".join(_overview(subjects)),
            *("\n".join(_details(each)) for each in subjects if each.result),
        ]
        whole = "".join(parts)
        if len(whole) <= MAX_CHARACTERS:
            return whole
        cut = _CUT_WITH_LINK.format(link=self._link) if self._link else _CUT
        kept, room = "", MAX_CHARACTERS - len(cut)
        for part in parts:
            if len(kept) + len(part) > room:
                break
            kept += part
        # The overview alone may be too long: a thousand files.
        return (kept or parts[0][:room]) + cut


def _overview(subjects: Sequence[Subject]) -> Iterator[str]:
    yield MARKER
    yield "## Gradient health"
    yield ""
    if not subjects:
        yield "Nothing to report."
        return
    if headline := _headline(subjects):
        yield headline
        yield ""
    yield "| | Network | Verdict | Why |"
    yield "|---|---|---|---|"
    for subject in subjects:
        if subject.result is None:
            why = "<br>".join(map(_cell, (subject.error or "").splitlines()))
            yield f"| ❗ | {_cell(subject.name)} | no result | {why} |"
        else:
            result = subject.result
            yield (
                f"| {_SIGNS[result.verdict]} | {_cell(subject.name)} | "
                f"{result.verdict} | {_cell(result.summary)} |"
            )
    yield ""


def _headline(subjects: Sequence[Subject]) -> str:
    """What the gate says of all; nothing where none was asked."""
    failing = sum(1 for subject in subjects if subject.blocking)
    without = sum(1 for subject in subjects if subject.result is None)
    verdicts = [subject.result.verdict for subject in subjects if subject.result]
    if failing:
        return f"❌ **The gate failed** for {failing} of {len(subjects)}."
    if without:
        return f"❗ **No result** for {without} of {len(subjects)}."
    if all(subject.blocking is None for subject in subjects):
        return ""
    if set(verdicts) == {"insufficient_data"}:
        return "❔ **Nothing could be judged.**"
    if tolerated := verdicts.count("critical"):
        return f"✅ **The gate passed.** Critical, but known: {tolerated}."
    return "✅ **The gate passed.**"


def _details(subject: Subject) -> Iterator[str]:
    result = subject.result
    assert result is not None
    is_open = " open" if result.verdict in {"critical", "warning"} else ""
    yield ""
    yield f"<details{is_open}><summary>{_text(subject.name)}</summary>"
    yield ""
    if subject.comparison:
        yield from _comparison(subject.comparison)
    picture = picture_backward_gain(result.layers, result.theory)
    if picture:
        yield "Backward gain at the start, by depth (1: gradients keep their size)"
        yield ""
        yield from _fenced(picture)
        yield ""
    if result.findings:
        yield "| Severity | Problem | Confidence | Cause | Numbers |"
        yield "|---|---|---|---|---|"
        yield from map(_finding, result.findings)
        yield ""
    for sign in result.signs:
        yield f"- {_text(sign.text)}"
    yield ""
    yield from _fixes(result.fixes)
    for note in result.notes:
        yield f"- {_text(note)}"
    yield ""
    yield "</details>"
    yield ""


def _comparison(comparison: Comparison) -> Iterator[str]:
    yield f"Compared with the baseline: **{_text(comparison.summary)}**"
    yield ""
    for number in comparison.numbers:
        yield f"- {number.standing}: {_text(change_in_words(number))}"
    yield ""


def _finding(finding: Finding) -> str:
    numbers = "; ".join(map(number_in_words, finding.evidence))
    return (
        f"| {finding.severity} | {title_of(finding.problem)} | "
        f"{finding.confidence:.2f} | {_cell(finding.cause.text)} | {_cell(numbers)} |"
    )


def _fixes(fixes: Sequence[Fix]) -> Iterator[str]:
    trained = [fix for fix in fixes if fix.trial and not fix.trial.screened_out]
    if trained:
        yield "| Fix | Proved | Progress before | Progress after |"
        yield "|---|---|---|---|"
        yield from map(_trained, trained)
        yield ""
    for fix in trained:
        if fix.trial and fix.trial.verified and fix.snippet:
            yield f"{_text(fix.title)}:"
            yield ""
            yield from _fenced(fix.snippet.splitlines(), "python")
            yield ""
    advice = [fix for fix in fixes if not (fix.trial or fix.spec)]
    for fix in advice:
        yield f"- **{_text(fix.title)}**: {_text(fix.why)}"
    if advice:
        yield ""
    others = [fix for fix in fixes if fix not in trained and fix not in advice]
    untried = [fix for fix in others if fix.trial is None]
    if untried and not trained:
        yield "What may help (`--verify-fixes` proves it by training):"
        yield ""
        yield from (f"- {_text(fix.title)}" for fix in untried)
        yield ""
    ruled_out = [fix for fix in others if fix.trial or trained]
    if ruled_out:
        yield f"Not proved: {', '.join(_text(fix.title) for fix in ruled_out)}."
        yield ""


def _trained(fix: Fix) -> str:
    assert fix.trial is not None
    proved = "✅ yes" if fix.trial.verified else "❌ no"
    before, after = (_progress(m) for m in (fix.trial.before, fix.trial.after))
    return f"| {_cell(fix.title)} | {proved} | {before} | {after} |"


def _progress(measurement: Measurement | None) -> str:
    if measurement is None or measurement.progress is None:
        return "not finite"
    return f"{measurement.progress:.2f}"


def _fenced(lines: Sequence[str], language: str = "text") -> Iterator[str]:
    # A fence longer than any run of backticks inside cannot be closed from inside.
    runs = (len(run) for line in lines for run in re.findall("`+", line))
    fence = "`" * max(3, *(length + 1 for length in (0, *runs)))
    yield f"{fence}{language}"
    yield from lines
    yield fence


def _cell(text: str | None) -> str:
    return _text(text or "").replace("|", "\\|")


def _text(text: str) -> str:
    """Text of others that can neither format nor link nor start a tag."""
    flat = " ".join(text.split())
    escaped = re.sub(r"([\\`*_\[\]~#!])", r"\\\1", flat)
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A name after "@" would be notified, a number after "#" linked.
    return escaped.replace("@", "@&#8203;")
