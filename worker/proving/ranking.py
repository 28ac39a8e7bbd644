"""Orders of contenders: who goes on, and how the fixes are listed."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from gradhealth.schemas.fix import Fix

from .contenders import Contender

# Gains that agree to so many digits are equal; the smaller change stands first then.
GAIN_DIGITS = 2


def choose(
    contenders: Sequence[Contender], *, limit: int, limit_of_kind: int
) -> list[Contender]:
    """The best `limit`, not too many of a kind; the others are dropped."""
    finite = [c for c in _by_score(contenders) if math.isfinite(c.score)]
    chosen = _with_the_cause(of_each_kind(finite, limit_of_kind)[:limit], finite)
    for contender in contenders:
        if contender not in finite:
            contender.drop("the loss is not finite", None)
        elif contender not in chosen:
            contender.drop(*better_ones(contender, chosen, limit_of_kind))
    return chosen


def _with_the_cause(
    chosen: list[Contender], finite: Sequence[Contender]
) -> list[Contender]:
    """One seat is kept for a fix that removes the cause: short runs misjudge some."""
    if any(contender.removes_cause for contender in chosen):
        return chosen
    fitting = [contender for contender in finite if contender.removes_cause]
    return [*chosen[: -1 if fitting else None], *fitting[:1]]


def in_final_order(contenders: Sequence[Contender]) -> list[Contender]:
    """The best fix of the cause first, then kinds in turn."""
    fitting = [c for c in _by_score(contenders) if c.removes_cause][:1]
    others = [c for c in kinds_in_turn(contenders) if c not in fitting]
    # Only where short runs left it behind does it take another one's turn.
    ranked = kinds_in_turn(contenders)
    return ranked if fitting and fitting[0] in ranked[:2] else [*fitting, *others]


def better_ones(
    contender: Contender, chosen: Sequence[Contender], limit_of_kind: int
) -> tuple[str, float]:
    """Which fixes stood in the way of a contender, and the weakest one's score."""
    rivals = [c for c in chosen if c.kind == contender.kind]
    if len(rivals) >= limit_of_kind:
        return "other fixes of its kind did better", min(c.score for c in rivals)
    return "other fixes did better", min(c.score for c in chosen)


def of_each_kind(contenders: Sequence[Contender], limit: int) -> list[Contender]:
    """At most `limit` contenders of each kind, in the order given."""
    return [c for turn, c in _turns(contenders) if turn < limit]


def kinds_in_turn(contenders: Sequence[Contender]) -> list[Contender]:
    """By score, the best of each kind before the second best of any."""
    turns = sorted(_turns(_by_score(contenders)), key=lambda turn: turn[0])
    return [contender for _, contender in turns]


def _turns(contenders: Sequence[Contender]) -> Iterator[tuple[int, Contender]]:
    """Each contender with the number of those of its kind before it."""
    seen = Counter[str]()
    for contender in contenders:
        yield seen[contender.kind], contender
        seen[contender.kind] += 1


def _by_score(contenders: Sequence[Contender]) -> list[Contender]:
    """The best first; those that agree to a digit in the order given."""
    return sorted(contenders, key=lambda c: round(c.score, 1), reverse=True)


def rank(contender: Contender, fix: Fix) -> tuple[int, float, int]:
    """Sorts verified fixes by gain, then the others by how far they came."""
    trial, size = fix.trial, contender.candidate.size
    if trial is None:
        return (4, 0.0, size)
    if trial.screened_out is not None:
        score = contender.score if contender.runs else 0.0
        return (2 if contender.runs else 3, -score, size)
    assert trial.after is not None
    reached = round(trial.after.progress or 0.0, GAIN_DIGITS)
    return (0 if trial.verified else 1, -reached, size)
