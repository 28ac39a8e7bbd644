"""SARIF 2.1.0, for code scanning (GitHub and others).

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar
from urllib.parse import quote

from ..schemas.finding import Finding, Severity
from .base import Report, Subject
from .fingerprints import fingerprint
from .locations import line_of
from .prose import evidence_in_words, title_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Mapping[Severity, str] = {
    "critical": "error",
    "warning": "warning",
    "info": "note",
}


class SarifReport(Report):
    """One run; a rule for each problem found, a result for each finding."""

    format: ClassVar[str] = "sarif"
    media_type: ClassVar[str] = "application/sarif+json"

    def render(self, subjects: Sequence[Subject]) -> str:
        """The log file; subjects without a result are notifications of the tool."""
        return json.dumps(
            {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(subjects)]}, indent=2
        )


def _run(subjects: Sequence[Subject]) -> dict[str, Any]:
    found = [(subject, finding) for subject in subjects for finding in subject.findings]
    errors = [subject for subject in subjects if subject.error is not None]
    return {
        "tool": {
            "driver": {
                "name": "gradhealth",
                "semanticVersion": version("gradhealth"),
                "rules": _rules([finding for _, finding in found]),
            }
        },
        "invocations": [
            {
                "executionSuccessful": not errors,
                "toolExecutionNotifications": [_notification(each) for each in errors],
            }
        ],
        "artifacts": [{"location": {"uri": uri}} for uri in _uris(subjects)],
        "results": [_result(subject, finding) for subject, finding in found],
    }


def _rules(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    first = {finding.problem: finding for finding in reversed(findings)}
    return [
        {
            "id": problem,
            "name": title_of(problem),
            "shortDescription": {"text": title_of(problem)},
            "fullDescription": {"text": first[problem].explanation},
            "help": {
                "text": first[problem].explanation,
                "markdown": first[problem].explanation,
            },
            # Of a problem as such; each result has its own level.
            "defaultConfiguration": {"level": "error"},
        }
        for problem in sorted(first)
    ]


def _result(subject: Subject, finding: Finding) -> dict[str, Any]:
    layers = finding.cause.layers or finding.layers
    return {
        "ruleId": finding.problem,
        "level": _LEVELS[finding.severity],
        "message": {
            "text": f"{subject.preface}{title_of(finding.problem)}: "
            f"{finding.cause.text} ({evidence_in_words(finding)})"
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(subject)},
                    "region": {"startLine": line_of(finding, subject.source)},
                },
                "logicalLocations": [
                    {"fullyQualifiedName": path, "kind": "member"} for path in layers
                ],
            }
        ],
        "partialFingerprints": {"gradhealth/v1": fingerprint(subject, finding)},
        "properties": {"confidence": finding.confidence, "cause": finding.cause.kind},
    }


def _uris(subjects: Sequence[Subject]) -> list[str]:
    """Of the files, each once: a log may hold several runs."""
    return list(dict.fromkeys(map(_uri, subjects)))


def _uri(subject: Subject) -> str:
    """The path as a relative reference (RFC 3986): blanks and umlauts are escaped."""
    # A lone surrogate stands for a byte that was no UTF-8.
    return quote(subject.path.encode(errors="replace"))


def _notification(subject: Subject) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": subject.error},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(subject)},
                    "region": {"startLine": subject.error_line},
                }
            }
        ],
    }
