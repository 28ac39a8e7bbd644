"""Compares a result with its baseline: only more than the seeds' spread counts."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..schemas.analysis import Result, Spread
from ..schemas.comparison import Comparison, NumberChange, ProblemChange, Standing
from ..schemas.curve import Curve
from ..schemas.finding import SEVERITIES, Evidence, Finding, Severity

# Differences up to so many standard deviations of a difference between two seeds are
# noise: 3 for about one false alarm in 400 comparisons of normal numbers.
NOISE_DEVIATIONS = 3.0
# ... and up to so much of the larger number, where a network gives equal seeds.
NOISE_SHARE = 0.02
# Steps at the end whose mean is the final loss.
NUM_LAST = 10
# The evidence of findings that stands on a number which is always compared.
HARM = "progress"
_SHOWN_BY = {"log10_backward_gain": "log10_backward_gain", "loss_last": HARM}


@dataclass(frozen=True, slots=True)
class Measured:
    """A number and its standard deviation over seeds."""

    value: float
    spread: float


def compare(baseline: Result, current: Result) -> Comparison:
    """What got worse, and what better.

    A problem that both results have, at the same severity, got worse only where one of
    its numbers moved away from its threshold by more than the noise.
    """
    numbers = list(_numbers(baseline, current))
    problems = list(_problems(baseline, current, numbers))
    worse = [change.problem for change in problems if change.standing == "worse"]
    better = [change.problem for change in problems if change.standing == "better"]
    standing: Standing = "worse" if worse else "better" if better else "same"
    return Comparison(
        standing=standing,
        summary=_summary(worse, better),
        problems=problems,
        numbers=numbers,
    )


def worsened(comparison: Comparison) -> frozenset[str]:
    """The problems that are new, more severe, or farther from their threshold."""
    return frozenset(c.problem for c in comparison.problems if c.standing == "worse")


def _summary(worse: list[str], better: list[str]) -> str:
    parts = [
        f"{word}: {', '.join(problems)}"
        for word, problems in (("worse", worse), ("better", better))
        if problems
    ]
    return "; ".join(parts) or "nothing got worse than the baseline"


def _problems(
    baseline: Result, current: Result, numbers: list[NumberChange]
) -> Iterator[ProblemChange]:
    before = {finding.problem: finding for finding in baseline.findings}
    after = {finding.problem: finding for finding in current.findings}
    for problem in {**after, **before}:
        old, new = before.get(problem), after.get(problem)
        change = _rank(new) - _rank(old)
        if new and change >= 0 and new.severity != "info":
            change = _drift(old, new, change) if old else _appearance(new, numbers)
        yield ProblemChange(
            problem=problem,
            before=old and old.severity,
            after=new and new.severity,
            standing=_standing(change),
        )


def _rank(finding: Finding | None) -> int:
    """0 for nothing that counts: what is latent is no problem."""
    severity: Severity = finding.severity if finding else "info"
    return SEVERITIES.index(severity)


def _appearance(finding: Finding, numbers: list[NumberChange]) -> int:
    """0 where nothing that shows a new problem moved by more than the noise.

    Then the network stood on the border, and other seeds put it on the other side.
    """
    calm = {_SHOWN_BY[each.statistic] for each in numbers if each.standing != "worse"}
    shown_by = {each.statistic for each in finding.evidence}
    return 0 if shown_by and shown_by <= calm else 1


def _drift(before: Finding, after: Finding, rise: int) -> int:
    """1 where any number moved farther beyond its threshold, -1 where all came near.

    A severity that rose (`rise` above 0) although every number is as it was stood on
    the border; without the harm in both, or with a new number, that cannot be said.
    """
    old = {each.statistic: each for each in before.evidence}
    deciding = [each for each in after.evidence if each.threshold is not None]
    known = [each for each in deciding if each.statistic in old]
    is_whole = len(known) == len(deciding) and HARM in {e.statistic for e in known}
    moves = [_away(old[each.statistic], each) for each in known]
    if 1 in moves or (rise and not is_whole):
        return 1
    return -1 if -1 in moves and not rise else 0


def _away(before: Evidence, after: Evidence) -> int:
    assert after.threshold is not None
    if not math.isfinite(after.value):
        return int(math.isfinite(before.value))
    side = math.copysign(1.0, after.value - after.threshold)
    difference = (after.value - before.value) * side
    noise = noise_between(_of_evidence(before), _of_evidence(after))
    return int(difference > noise) - int(difference < -noise)


def _of_evidence(evidence: Evidence) -> Measured:
    return Measured(evidence.value, evidence.spread or 0.0)


def _numbers(baseline: Result, current: Result) -> Iterator[NumberChange]:
    """Backward gain (worse the farther its logarithm is from 0) and final loss."""
    for statistic, of_result, badness in (
        ("log10_backward_gain", _gain_of, abs),
        ("loss_last", _loss_of, float),
    ):
        before, after = of_result(baseline), of_result(current)
        if before is None or after is None:
            continue
        noise = noise_between(before, after)
        change = badness(after.value) - badness(before.value)
        difference = after.value - before.value
        yield NumberChange(
            statistic=statistic,
            before=before.value,
            after=after.value,
            difference=difference,
            relative=difference / abs(before.value) if before.value else None,
            noise=noise,
            standing=_standing(int(change > noise) - int(change < -noise)),
        )


def _gain_of(result: Result) -> Measured | None:
    stages = [layer.backward_gain for layer in result.layers if layer.backward_gain]
    return log10_gain(stage.start for stage in stages if stage.start)


def _loss_of(result: Result) -> Measured | None:
    return last_loss(result.curves.get("loss"))


def log10_gain(starts: Iterable[Spread]) -> Measured | None:
    """The gain farthest from 1 of any layer at the start, in decades."""
    gains = [
        Measured(math.log10(start.mean), start.spread or 0.0)
        for start in starts
        if start.mean > 0 and math.isfinite(start.mean)
    ]
    return max(gains, key=lambda gain: abs(gain.value), default=None)


def last_loss(curve: Curve | None) -> Measured | None:
    """The mean loss of the last steps, if all of them are finite."""
    last = [] if curve is None else curve.mean[-NUM_LAST:]
    known = [value for value in last if value is not None and math.isfinite(value)]
    if curve is None or not known or len(known) < len(last):
        return None
    spreads = [spread or 0.0 for spread in curve.spread[-NUM_LAST:]]
    return Measured(sum(known) / len(known), sum(spreads) / len(spreads))


def noise_between(before: Measured, after: Measured) -> float:
    """Differences up to this say nothing."""
    spreads = [each.spread for each in (before, after) if math.isfinite(each.spread)]
    largest = max(abs(before.value), abs(after.value))
    return max(NOISE_DEVIATIONS * math.hypot(*spreads, 0.0), NOISE_SHARE * largest)


def _standing(change: int) -> Standing:
    return "worse" if change > 0 else "better" if change < 0 else "same"
