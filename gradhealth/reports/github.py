"""Workflow commands that GitHub shows as annotations at the lines of a pull request.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from ..schemas.finding import Finding, Severity
from .base import Report, Subject
from .locations import line_of
from .prose import evidence_in_words, title_of

_COMMANDS: Mapping[Severity, str] = {
    "critical": "error",
    "warning": "warning",
    "info": "notice",
}
_IN_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_MESSAGE, ":": "%3A", ",": "%2C"}


class GithubReport(Report):
    """One annotation for each finding, and a plain line for each subject without."""

    format: ClassVar[str] = "github"
    media_type: ClassVar[str] = "text/plain"

    def render(self, subjects: Sequence[Subject]) -> str:
        """The commands, one a line."""
        lines = [line for subject in subjects for line in _lines(subject)]
        return "\n".join(lines) or "nothing to report"


def _lines(subject: Subject) -> Iterator[str]:
    if subject.error is not None:
        yield _command(
            "error", subject.path, subject.error_line, "No result", subject.error
        )
    elif not subject.findings and subject.result is not None:
        # In the job's log only: a plain line must not look like a command.
        yield f"{_escape(subject.place, _IN_MESSAGE)} - {subject.result.verdict}"
    for finding in subject.findings:
        yield _annotation(subject, finding)


def _annotation(subject: Subject, finding: Finding) -> str:
    message = f"{subject.preface}{finding.cause.text}\n{evidence_in_words(finding)}"
    # An error beside a gate that passes would be read as its reason to fail.
    is_tolerated = finding.severity == "critical" and not subject.is_blocking(finding)
    return _command(
        _COMMANDS["warning" if is_tolerated else finding.severity],
        subject.path,
        line_of(finding, subject.source),
        title_of(finding.problem),
        message,
    )


def _command(kind: str, path: str, line: int, title: str, message: str) -> str:
    return (
        f"::{kind} file={_escape(path, _IN_PROPERTY)},line={line},"
        f"title={_escape(title, _IN_PROPERTY)}::{_escape(message, _IN_MESSAGE)}"
    )


def _escape(text: str, replacements: Mapping[str, str]) -> str:
    return "".join(replacements.get(character, character) for character in text)
