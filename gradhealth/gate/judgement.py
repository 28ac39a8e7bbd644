"""Applies a policy to a result: what counts, what is hidden, what fails the gate."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from ..schemas.analysis import Result
from ..schemas.finding import SEVERITIES, Finding, Verdict
from .policy import FailOn, Policy, capped, ignore_for, levels_for

_FAILING: dict[FailOn, frozenset[str]] = {
    "critical": frozenset({"critical"}),
    "warning": frozenset({"critical", "warning"}),
    "never": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A result under a policy.

    Attributes:
        result: With the severities that count, and notes on what was lowered.
        blocking: Problems that fail the gate.
    """

    result: Result
    blocking: frozenset[str]


def judge(
    result: Result, policy: Policy, path: str, fail_on: FailOn, today: dt.date
) -> Judgement:
    """The result as the policy sees it.

    Args:
        result: As it was measured.
        policy: What the repository demands.
        path: The file, for overrides and ignores.
        fail_on: The mildest severity that fails the gate.
        today: Decides which ignores still hold.
    """
    notes: list[str] = []
    findings = list(_counted(result, policy, path, today, notes))
    findings.sort(key=lambda finding: -SEVERITIES.index(finding.severity))
    loud = [finding for finding in findings if finding.severity != "info"]
    failing = {each.problem for each in loud if each.severity in _FAILING[fail_on]}
    if not notes:
        return Judgement(result, frozenset(failing))
    lowered = result.model_copy(
        update={
            "verdict": _verdict(result, loud),
            "primary": loud[0].problem if loud else None,
            "findings": findings,
            "notes": [*result.notes, *notes],
        }
    )
    return Judgement(lowered, frozenset(failing))


def _counted(
    result: Result,
    policy: Policy,
    path: str,
    today: dt.date,
    notes: list[str],
) -> Iterator[Finding]:
    levels = levels_for(policy, path)
    for finding in result.findings:
        level = levels.get(finding.problem, "critical")
        ignore = ignore_for(policy, path, finding.problem, today)
        if ignore is not None and finding.severity != "info":
            notes.append(
                f"{finding.problem} ({finding.severity}) is ignored until "
                f"{ignore.until}: {ignore.reason}"
            )
            level = "info"
        severity = capped(finding.severity, level)
        if ignore is None and severity != finding.severity:
            counts = "not at all" if severity is None else f"as {severity}"
            notes.append(
                f"{finding.problem} ({finding.severity}) counts {counts} by the policy"
            )
        if severity is not None:
            yield finding.model_copy(update={"severity": severity})


def _verdict(result: Result, loud: list[Finding]) -> Verdict:
    if result.verdict == "insufficient_data":
        return "insufficient_data"
    if not loud:
        return "healthy"
    return "critical" if loud[0].severity == "critical" else "warning"
