"""Shares with their confidence intervals, and the tables of the benchmark."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .measure import Answer
from .suite import Case

# Two-sided 95 %.
Z = 1.96
ALARM = frozenset({"warning", "critical"})


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `total`, with Wilson's interval (Wilson 1927)."""

    count: int
    total: int

    def __str__(self) -> str:
        if not self.total:
            return "-"
        low, high = self.interval
        return (
            f"{self.count}/{self.total} = {self.count / self.total:.1%} "
            f"[{low:.1%}, {high:.1%}]"
        )

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        share, n = self.count / self.total, self.total
        centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
        half /= 1 + Z * Z / n
        return max(0.0, centre - half), min(1.0, centre + half)


def share(values: Iterable[bool]) -> Share:
    """How many are true."""
    listed = list(values)
    return Share(sum(listed), len(listed))


@dataclass(frozen=True, slots=True)
class Judged:
    """A case, whether it is faulty by its label, and what the product says."""

    case: Case
    is_faulty: bool
    answer: Answer

    @property
    def is_alarm(self) -> bool:
        return self.answer.verdict in ALARM

    @property
    def is_named(self) -> bool:
        """The alarm carries a name that an expert would accept."""
        return self.is_alarm and self.answer.primary in self.case.problems

    @property
    def is_explained(self) -> bool:
        return bool(self.answer.causes & self.case.causes)

    @property
    def is_right(self) -> bool:
        return self.is_named if self.is_faulty else self.answer.verdict == "healthy"


def suite_table(judged: Sequence[Judged]) -> list[str]:
    """Sensitivity, false alarms and causes, ours and the peers'."""
    named = [each for each in judged if each.is_faulty and each.is_named]
    return [
        *alarm_table(judged),
        "",
        f"right problem: {share(e.is_named for e in judged if e.is_faulty)}",
        f"right cause of those: {share(e.is_explained for e in named)}",
    ]


def alarm_table(judged: Sequence[Judged]) -> list[str]:
    """Sensitivity and false alarms, ours and the peers'."""
    faulty = [each for each in judged if each.is_faulty]
    sound = [each for each in judged if not each.is_faulty]
    lines = [
        "| tool | faulty ones found | false alarms on sound ones |",
        "|---|---|---|",
    ]
    ours = share(e.is_alarm for e in faulty), share(e.is_alarm for e in sound)
    lines.append(f"| gradhealth | {ours[0]} | {ours[1]} |")
    for peer in judged[0].answer.alarms if judged else ():
        found = share(e.answer.alarms[peer] for e in faulty)
        alarms = share(e.answer.alarms[peer] for e in sound)
        lines.append(f"| {peer} | {found} | {alarms} |")
    return lines


def by(judged: Sequence[Judged], key: Callable[[Judged], str | None]) -> list[str]:
    """Right answers, grouped."""
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        groups[key(each) or "healthy"].append(each)
    return [
        "| group | faulty | right | right cause | sound | false alarms |",
        "|---|---|---|---|---|---|",
        *(_group(name, group) for name, group in sorted(groups.items())),
    ]


def _group(name: str, group: Sequence[Judged]) -> str:
    faulty = [each for each in group if each.is_faulty]
    sound = [each for each in group if not each.is_faulty]
    named = [each for each in faulty if each.is_named]
    numbers = (
        len(faulty),
        len(named),
        sum(each.is_explained for each in named),
        len(sound),
        sum(each.is_alarm for each in sound),
    )
    return f"| {name} | {' | '.join(map(str, numbers))} |"


def calibration(judged: Sequence[Judged]) -> list[str]:
    """How often findings of a confidence are right."""
    alarms = [each for each in judged if each.is_alarm]
    bounds = (0.0, 0.5, 0.7, 0.9, 0.97, 1.01)
    lines = ["| confidence | right |", "|---|---|"]
    for low, high in pairwise(bounds):
        within = [e for e in alarms if low <= e.answer.confidence < high]
        if within:
            lines.append(f"| {low:g} to {min(high, 1):g} | {_right(within)} |")
    right = [each for each in alarms if each.is_right]
    sure = share(each.answer.confidence >= 0.9 for each in right)
    return [*lines, "", f"right ones that carry 0.9 or more: {sure}"]


def _right(judged: Sequence[Judged]) -> Share:
    return share(each.is_right for each in judged)


def wrong_alarms(judged: Sequence[Judged]) -> list[str]:
    """Every missed faulty one and every false alarm on one line."""
    return [
        f"{'missed' if e.is_faulty else 'false alarm'} {e.case.id}: {e.answer.verdict} "
        f"{e.answer.primary} {e.answer.confidence:.2f}: {e.answer.summary}"
        for e in judged
        if e.is_alarm != e.is_faulty
    ]


def misses(judged: Sequence[Judged]) -> list[str]:
    """Every wrong answer on one line."""
    return [
        f"{'faulty' if e.is_faulty else 'sound '} {e.case.id}: "
        f"expected {'/'.join(sorted(e.case.problems)) if e.is_faulty else 'healthy'}"
        f" ({'/'.join(sorted(e.case.causes))}), got {e.answer.verdict} "
        f"{e.answer.primary} {e.answer.confidence:.2f}: {e.answer.summary}"
        for e in judged
        if not e.is_right or (e.is_faulty and not e.is_explained)
    ]
