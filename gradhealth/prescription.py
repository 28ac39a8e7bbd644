"""Which fixes are worth trying for what was found, the most promising first."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from .architecture.limits import UNLIMITED
from .architecture.network import Network, resolve
from .documents.base import nearest
from .exceptions import InvalidDocumentError, Problem
from .fixes.base import Candidate, Case, Facts, Remedy
from .registry import subclasses_in
from .schemas.analysis import FixSelection
from .schemas.finding import Finding
from .schemas.trace import Trace
from .statistics import Statistics

# What the sweep of the unfixed spec itself may show to be enough.
RATE_FIX = "change_learning_rate"

# Nothing about the network or its training helps against these: only a fix that
# removes the very cause is offered.
FOREIGN_CAUSES = frozenset({"data", "labels"})

# Sorts fixes: misused last, then those for the primary problem, then for its cause, and
# the later idea before the one it superseded.
Promise = tuple[bool, bool, bool, bool]


@cache
def remedies() -> tuple[Remedy, ...]:
    """Every fix of the folder `gradhealth/fixes`."""
    return tuple(remedy() for remedy in subclasses_in("gradhealth.fixes", Remedy))


def check_selection(selection: FixSelection, pointer: str = "") -> None:
    """Refuses names that no fix has, which would otherwise be ignored in silence.

    Raises:
        InvalidDocumentError: A name is neither a fix's nor one of its variants'.
    """
    given = {"allow": selection.allow or [], "deny": selection.deny}
    if not any(given.values()):
        return
    known = [RATE_FIX, *(remedy.name for remedy in remedies())]
    problems = [
        Problem(
            f"{pointer}/{key}/{index}", f"unknown fix {name!r}{nearest(name, known)}"
        )
        for key, names in given.items()
        for index, name in enumerate(names)
        if not any(name == fix or name.startswith(f"{fix}_") for fix in known)
    ]
    if problems:
        raise InvalidDocumentError(problems)


def prescribe(
    document: Mapping[str, Any],
    network: Network,
    findings: Sequence[Finding],
    selection: FixSelection | None = None,
    facts: Facts | None = None,
) -> list[Candidate]:
    """Candidates that treat the findings.

    Kinds take turns, so that the first few are different ideas; fixes that people try
    in vain come last. Nothing is offered for findings that are only information.

    Args:
        document: The spec as sent.
        network: What it resolves to.
        findings: The primary one first.
        selection: Names of fixes (`replace_activation`) or of their variants
            (`replace_activation_relu`) that may, or may not, be tried; all by default.
        facts: What the runs of the diagnosis showed.
    """
    treated = tuple(finding for finding in findings if finding.severity != "info")
    if not treated:
        return []
    case = Case(document, network, treated, facts)
    return _in_turns(
        (_promise(remedy, case), candidate)
        for remedy in remedies()
        if _suits(remedy, case)
        for candidate in remedy.candidates(case)
        if is_selected({candidate.name, candidate.fix}, selection or FixSelection())
    )


@dataclass(frozen=True, slots=True)
class Pharmacy:
    """Makes two fixes into one, where one alone does not suffice.

    Attributes:
        findings: What is to be treated, the primary finding first.
        facts: What the runs of the diagnosis showed.
    """

    findings: tuple[Finding, ...]
    facts: Facts | None = None

    def combine(self, first: Candidate, second: Candidate) -> Candidate | None:
        """The second fix applied to the first one's spec; null where it does not fit.

        Its size is the sum of both; kinds are those of the first.
        """
        if first.spec is None:
            return None
        case = Case(
            first.spec, resolve(first.spec, UNLIMITED), self.findings, self.facts
        )
        remedy = next(each for each in remedies() if each.name == second.fix)
        for candidate in remedy.candidates(case):
            if candidate.name == second.name and candidate.spec is not None:
                return replace(
                    candidate,
                    name=f"{first.name}+{second.name}",
                    fix=f"{first.fix}+{second.fix}",
                    kind=first.kind,
                    title=f"{first.title}, and {_lowered(second.title)}",
                    why=f"Neither is enough alone. {first.why} {second.why}",
                    snippet=f"{first.snippet}\n\n{second.snippet}",
                    size=first.size + second.size,
                )
        return None


def facts_of(traces: Sequence[Trace], step_seconds: float) -> Facts:
    """What the runs showed that fixes are measured by.

    Args:
        traces: The runs of the diagnosis.
        step_seconds: Wall-clock seconds of one update.
    """
    statistics = Statistics(tuple(traces))
    norms = statistics.grad_norms
    ratios = statistics.middle("update_ratio")
    columns = np.flatnonzero(~np.isnan(ratios).any(axis=0))
    first = columns[: max(1, len(columns) // 3)]
    return Facts(
        typical_grad_norm=float(np.quantile(norms, 0.1)) if len(norms) else math.nan,
        first_layers_change=float(np.median(ratios[:, first])) * statistics.num_steps
        if len(columns)
        else math.nan,
        step_seconds=step_seconds,
    )


def _lowered(title: str) -> str:
    """A title in the middle of a sentence; names such as LSTM stay."""
    return title if title[1:2].isupper() else title[0].lower() + title[1:]


def _suits(remedy: Remedy, case: Case) -> bool:
    if case.cause in FOREIGN_CAUSES:
        return case.problem in remedy.treats and case.cause in remedy.causes
    return _treats(remedy, case, _found(case)) or case.problem in remedy.misused_for


def _promise(remedy: Remedy, case: Case) -> Promise:
    return (
        not _treats(remedy, case, _found(case)),
        not _treats(remedy, case, {case.problem}),
        case.cause not in remedy.causes,
        remedy.superseded,
    )


def _treats(remedy: Remedy, case: Case, problems: set[str]) -> bool:
    # Training stalls for many reasons: ways around the layers treat but this one.
    stalls_by_depth = (case.problem, case.cause) == ("stalled_training", "depth")
    goes_around = stalls_by_depth and "depth" in remedy.causes
    return goes_around or not remedy.treats.isdisjoint(problems)


def _found(case: Case) -> set[str]:
    return {finding.problem for finding in case.findings}


def is_selected(names: Collection[str], selection: FixSelection) -> bool:
    """Whether a fix of these names (its own, its variant's) may be tried."""
    allowed = selection.allow is None or not set(names).isdisjoint(selection.allow)
    return allowed and set(names).isdisjoint(selection.deny)


def _in_turns(offered: Iterable[tuple[Promise, Candidate]]) -> list[Candidate]:
    """Sorted by promise, the best of each kind before the second best of any."""
    turns = Counter[str]()
    ranked: list[tuple[bool, int, Promise, Candidate]] = []
    for promise, candidate in sorted(offered, key=lambda offer: offer[0]):
        ranked.append((promise[0], turns[candidate.kind], promise, candidate))
        turns[candidate.kind] += 1
    return [candidate for *_, candidate in sorted(ranked, key=lambda rank: rank[:3])]
