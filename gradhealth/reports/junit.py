"""JUnit XML, which every CI system shows as tests.

A suite for each subject, in it a test case for each problem that was looked for. The
schema is the one of the Jenkins xUnit plugin.
"""

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar
from xml.etree import ElementTree as ET

from ..schemas.finding import Finding
from .base import Report, Subject
from .prose import evidence_in_words

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JunitReport(Report):
    """Findings that fail the gate are failures; a subject without a result, an error.

    A milder finding passes and says what it saw in `system-out`.
    """

    format: ClassVar[str] = "junit"
    media_type: ClassVar[str] = "application/xml"

    def render(self, subjects: Sequence[Subject]) -> str:
        """The document, with the counts that its readers expect."""
        root = ET.Element("testsuites", name="gradhealth")
        root.extend(_suite(subject) for subject in subjects)
        for suite in root:
            _count(suite)
            suite.set("skipped", str(len(list(suite.iter("skipped")))))
        # The schema knows no number of skipped cases here.
        _count(root)
        ET.indent(root)
        return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _suite(subject: Subject) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(subject.name))
    suite.extend(_cases(subject))
    return suite


def _cases(subject: Subject) -> Iterable[ET.Element]:
    if subject.result is None:
        case = _case(subject, "analysis")
        _add(case, "error", "no result", subject.error or "")
        return [case]
    if subject.result.verdict == "insufficient_data":
        case = _case(subject, "gradients")
        ET.SubElement(case, "skipped", message=_clean(subject.result.summary))
        return [case]
    found = [_of_finding(subject, finding) for finding in subject.findings]
    return found or [_case(subject, "gradients")]


def _of_finding(subject: Subject, finding: Finding) -> ET.Element:
    case = _case(subject, finding.problem)
    details = f"{finding.explanation}\n{evidence_in_words(finding)}"
    if subject.is_blocking(finding):
        _add(case, "failure", finding.cause.text, details)
    else:
        out = ET.SubElement(case, "system-out")
        out.text = _clean(f"{finding.severity}: {finding.cause.text}\n{details}")
    return case


def _case(subject: Subject, name: str) -> ET.Element:
    return ET.Element("testcase", classname=_clean(subject.place), name=name)


def _add(case: ET.Element, kind: str, message: str, text: str) -> None:
    element = ET.SubElement(case, kind, message=_clean(message))
    element.text = _clean(text)


def _count(element: ET.Element) -> None:
    for counted, tag in (
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
    ):
        element.set(counted, str(len(list(element.iter(tag)))))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
