"""What has changed since a run was judged last: problems that appeared or are gone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .schemas.finding import SEVERITIES, Finding
from .schemas.run import OpenProblem

# A problem on the border of its threshold comes and goes with each batch. It is gone
# when it was away for this share of the run, and for so many steps at least.
QUIET_SHARE, MIN_QUIET_ROWS = 0.05, 10


@dataclass(frozen=True, slots=True)
class Changes:
    """What to tell, and what is open from now on.

    Attributes:
        raised: Findings that are new, or critical where they were warnings.
        cleared: Problems that are gone, as they were.
        open: Every problem that is raised and not cleared.
    """

    raised: Sequence[Finding]
    cleared: Sequence[OpenProblem]
    open: Sequence[OpenProblem]


def changes_since(
    before: Iterable[OpenProblem], findings: Iterable[Finding], num_rows: int
) -> Changes:
    """Compares what was open with what was found now.

    Args:
        before: What was open.
        findings: Of the whole run so far; latent ones (info) are no news.
        num_rows: Steps of the run so far.
    """
    loud = {f.problem: f for f in findings if f.severity != "info"}
    known = {problem.problem: problem for problem in before}
    raised = [
        finding
        for name, finding in loud.items()
        if name not in known or _is_worse(finding, known[name])
    ]
    absent = [_absent(p, num_rows) for p in known.values() if p.problem not in loud]
    cleared = [problem for problem in absent if _is_gone(problem, num_rows)]
    seen = [_seen(finding, known.get(name)) for name, finding in loud.items()]
    return Changes(raised, cleared, [*seen, *[p for p in absent if p not in cleared]])


def _is_worse(finding: Finding, known: OpenProblem) -> bool:
    return SEVERITIES.index(finding.severity) > SEVERITIES.index(known.severity)


def _seen(finding: Finding, known: OpenProblem | None) -> OpenProblem:
    severities = [finding.severity, *([known.severity] if known else [])]
    worst = max(severities, key=SEVERITIES.index)
    return OpenProblem(problem=finding.problem, severity=worst)


def _absent(problem: OpenProblem, num_rows: int) -> OpenProblem:
    since = num_rows if problem.absent_since is None else problem.absent_since
    return problem.model_copy(update={"absent_since": since})


def _is_gone(problem: OpenProblem, num_rows: int) -> bool:
    assert problem.absent_since is not None
    quiet = num_rows - problem.absent_since
    return quiet >= max(MIN_QUIET_ROWS, QUIET_SHARE * num_rows)
