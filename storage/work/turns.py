"""Whose turn it is: fairness between projects as a number, given at acceptance.

The queue takes the smallest turn first. A project's analyses get consecutive rounds
from the queue's present one on, so that projects alternate: one that queues a
thousand does not delay another's single one beyond what runs already (start-time fair
queueing, Goyal, Vin & Cheng 1996, with every analysis weighing the same). In a round
come first the even turns, what is urgent, then the odd ones.
"""

from typing import get_args

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    bindparam,
    func,
    literal,
    select,
    union_all,
)

from gradhealth.schemas.analysis import Device, Priority

from ..tables import AnalysisRow

# The engine's priorities go up to 2^31 - 1. Rounds begin anew when a queue is empty.
_ROUNDS, _LOW_ROUNDS = (1, 2**29 - 1), (2**29, 2**30 - 1)


def asking_for_turn(project: str, queue: Device) -> dict[str, str]:
    """The parameters of `NEXT_TURN`."""
    return {"turn_project": project, "turn_queue": queue}


def _next_turn(priority: Priority) -> ColumnElement[int]:
    first, last = _LOW_ROUNDS if priority == "low" else _ROUNDS
    turn, status = AnalysisRow.turn, AnalysisRow.status
    ours = AnalysisRow.queue == bindparam("turn_queue")
    ours &= turn.between(2 * first, 2 * last + 1)
    # The present round is that of the latest that runs; with none, the one before that
    # of the next to run.
    present = [
        select(func.max(turn) // 2).where(ours, status == "running"),
        select(func.min(turn) // 2 - 1).where(ours, status == "queued"),
    ]
    own = AnalysisRow.project == bindparam("turn_project")
    latest = select(func.max(turn) // 2).where(ours, own, status == "queued")
    if priority == "high":
        latest = latest.where(turn % 2 == 0)
    following = _largest(first - 1, *present, latest) + 1
    return 2 * following + (0 if priority == "high" else 1)


def _largest(least: int, *rounds: Select[int | None]) -> ScalarSelect[int]:
    """The largest that there is; `least`, where there is none."""
    found = union_all(select(literal(least).label("round")), *rounds).subquery()
    return select(func.max(found.c.round)).scalar_subquery()


# The turn of a new analysis: `high` is next, before what its project queued earlier;
# `low` comes after all that is not low.
NEXT_TURN = {priority: _next_turn(priority) for priority in get_args(Priority)}
