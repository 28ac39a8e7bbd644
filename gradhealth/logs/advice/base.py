"""What advice is: a change by its name, and the experiment that would tell."""

from dataclasses import dataclass

from ...schemas.finding import CauseKind


@dataclass(frozen=True, slots=True)
class Advice:
    """A change that is known to help against some problems.

    In its texts {limit}, {step} and {from_rate} stand for what the run shows.

    Attributes:
        name: Of the fix in `gradhealth/fixes`, with its variant.
        treats: Problems it is known to cure.
        causes: Only for these causes; empty: for any.
        shown_by: Only where this statistic is among the evidence; empty: always.
        experiment: What to run, and what to look at then.
    """

    name: str
    treats: frozenset[str]
    title: str
    why: str
    snippet: str
    experiment: str
    causes: frozenset[CauseKind] = frozenset()
    shown_by: str = ""
