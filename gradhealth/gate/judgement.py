"""The gate: what of a result counts, what is hidden, what fails it."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..schemas.analysis import Result
from ..schemas.comparison import Comparison
from ..schemas.finding import SEVERITIES, Finding, Verdict
from .baselines import Baseline
from .comparison import compare, worsened
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
        comparison: With the baseline; null where there is none.
    """

    result: Result
    blocking: frozenset[str]
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """What is demanded of every file.

    Attributes:
        fail_on: The mildest severity that fails the gate.
        today: Decides which ignores still hold.
        baseline: Earlier results, by file: then only what got worse fails. Null where
            nothing is compared.
    """

    policy: Policy
    fail_on: FailOn
    today: dt.date
    baseline: Baseline | None = None

    def judge(self, path: str, result: Result, *, name: str | None = None) -> Judgement:
        """A result, and what of it fails the gate.

        Args:
            path: The file, for the policy.
            result: As it was measured.
            name: What the baseline calls it, unless it has one result for the whole
                file; left out, the file.
        """
        judged = judge(result, self.policy, path, self.fail_on, self.today)
        if self.baseline is None:
            return judged
        before = self.baseline.get(name or path, self.baseline.get(path))
        if before is None:
            return replace(judged, blocking=frozenset(), result=_unheld(judged.result))
        before = judge(before, self.policy, path, self.fail_on, self.today).result
        comparison = compare(before, judged.result)
        blocking = judged.blocking & worsened(comparison)
        return Judgement(judged.result, blocking, comparison)


def _unheld(result: Result) -> Result:
    note = (
        "The baseline has no result for this file: nothing to compare with, it passes."
    )
    return result.model_copy(update={"notes": [*result.notes, note]})


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
            "summary": _summary(result, loud),
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


def _summary(result: Result, loud: list[Finding]) -> str:
    if not loud:
        return f"Nothing that counts by the policy. Measured: {result.summary}"
    if loud[0].problem == result.primary:
        return result.summary
    name = loud[0].problem.replace("_", " ").capitalize()
    return f"{name}: {loud[0].cause.text}"


def _verdict(result: Result, loud: list[Finding]) -> Verdict:
    if result.verdict == "insufficient_data":
        return "insufficient_data"
    if not loud:
        return "healthy"
    return "critical" if loud[0].severity == "critical" else "warning"
