"""Which fixes are worth trying for what was found, the most promising first."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from .document import nearest
from .exceptions import InvalidDocumentError, Problem
from .fixes.base import Candidate, Case, Remedy
from .network import Network
from .registry import subclasses_in
from .schemas.analysis import FixSelection
from .schemas.finding import Finding

# What the sweep of the unfixed spec itself may show to be enough.
RATE_FIX = "change_learning_rate"

# Nothing about the network or its training helps against these: only a fix that
# removes the very cause is offered.
FOREIGN_CAUSES = frozenset({"data", "labels"})

# Sorts fixes: misused last, then those for the primary problem, then for its cause.
Promise = tuple[bool, bool, bool]


@cache
def remedies() -> tuple[Remedy, ...]:
    """Every fix of the folder `gradhealth/fixes`."""
    return tuple(remedy() for remedy in subclasses_in("gradhealth.fixes", Remedy))


def check_selection(selection: FixSelection, pointer: str = "") -> None:
    """Refuses names that no fix has, which would otherwise be ignored in silence.

    Raises:
        InvalidDocumentError: A name is neither a fix's nor one of its variants'.
    """
    known = [RATE_FIX, *(remedy.name for remedy in remedies())]
    given = {"allow": selection.allow or [], "deny": selection.deny}
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
    """
    treated = tuple(finding for finding in findings if finding.severity != "info")
    if not treated:
        return []
    case = Case(document, network, treated)
    return _in_turns(
        (_promise(remedy, case), candidate)
        for remedy in remedies()
        if _suits(remedy, case)
        for candidate in remedy.candidates(case)
        if is_selected({candidate.name, candidate.fix}, selection or FixSelection())
    )


def _suits(remedy: Remedy, case: Case) -> bool:
    if case.cause in FOREIGN_CAUSES:
        return case.problem in remedy.treats and case.cause in remedy.causes
    found = {finding.problem for finding in case.findings}
    return bool(remedy.treats & found) or case.problem in remedy.misused_for


def _promise(remedy: Remedy, case: Case) -> Promise:
    found = {finding.problem for finding in case.findings}
    return (
        not remedy.treats & found,
        case.problem not in remedy.treats,
        case.cause not in remedy.causes,
    )


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
