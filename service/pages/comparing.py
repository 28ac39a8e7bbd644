"""Two analyses side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from gradhealth.gate.comparison import compare
from gradhealth.reports.base import Subject
from gradhealth.reports.figures.pairs import Pair, pairs_of
from gradhealth.schemas.analysis import Analysis, Result
from gradhealth.schemas.comparison import Comparison

from ..exceptions import NotAPairError, NotFinishedError


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two."""

    analysis: Analysis
    subject: Subject

    @property
    def result(self) -> Result:
        """What was found.

        Raises:
            NotFinishedError: Nothing was.
        """
        if self.analysis.result is None:
            raise NotFinishedError(self.analysis.id, self.analysis.status)
        return self.analysis.result


@dataclass(frozen=True, slots=True)
class Juxtaposition:
    """What a page shows of two analyses; the older one is the baseline."""

    sides: tuple[Side, Side]
    changes: Comparison
    figures: Sequence[Pair]


def in_order(chosen: Sequence[tuple[Analysis, Subject]]) -> list[Side]:
    """The two that were chosen, the older one first.

    Raises:
        NotAPairError: There are more or fewer.
    """
    if len({analysis.id for analysis, _ in chosen}) != 2:  # noqa: PLR2004 -- a pair
        raise NotAPairError(len(chosen))
    sides = [Side(analysis, subject) for analysis, subject in chosen]
    return sorted(sides, key=lambda side: side.analysis.created_at)


def juxtapose(older: Side, newer: Side) -> Juxtaposition:
    """Both beside each other, and what changed.

    Raises:
        NotFinishedError: One of them has no result.
    """
    return Juxtaposition(
        (older, newer),
        compare(older.result, newer.result),
        list(pairs_of(older.result, newer.result)),
    )
