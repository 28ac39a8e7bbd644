"""GitLab's code quality report, which a merge request shows beside the changed lines.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..schemas.finding import Finding, Severity
from .base import Report, Subject
from .fingerprints import fingerprint
from .locations import line_of
from .prose import evidence_in_words, title_of

_SEVERITIES: Mapping[Severity, str] = {
    "critical": "critical",
    "warning": "major",
    "info": "info",
}


class GitlabReport(Report):
    """A list with one violation for each finding, and for each subject in error."""

    format: ClassVar[str] = "gitlab"
    media_type: ClassVar[str] = "application/json"

    def render(self, subjects: Sequence[Subject]) -> str:
        """The list, empty where nothing was found."""
        return json.dumps(
            [entry for subject in subjects for entry in _violations(subject)], indent=2
        )


def _violations(subject: Subject) -> list[dict[str, Any]]:
    if subject.error is not None:
        return [_no_result(subject, subject.error)]
    return [_violation(subject, finding) for finding in subject.findings]


def _no_result(subject: Subject, error: str) -> dict[str, Any]:
    return {
        "description": f"No result: {error}",
        "check_name": "no_result",
        "fingerprint": hashlib.sha256(
            f"{subject.path}\0no_result".encode()
        ).hexdigest(),
        "severity": "major",
        "location": {"path": subject.path, "lines": {"begin": subject.error_line}},
    }


def _violation(subject: Subject, finding: Finding) -> dict[str, Any]:
    return {
        "description": f"{subject.preface}{title_of(finding.problem)}: "
        f"{finding.cause.text} ({evidence_in_words(finding)})",
        "check_name": finding.problem,
        "fingerprint": fingerprint(subject, finding),
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": subject.path,
            "lines": {"begin": line_of(finding, subject.source)},
        },
    }
