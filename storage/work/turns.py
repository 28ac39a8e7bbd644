"""Whose turn it is: fairness between projects as a number, given at acceptance.

The queue takes the smallest turn first. A project's analyses get consecutive turns
from the queue's present one on, so that projects alternate: one that queues a
thousand does not delay another's single one beyond what runs already (start-time fair
queueing, Goyal, Vin & Cheng 1996, with every analysis weighing the same).
"""

from collections.abc import Callable

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    bindparam,
    func,
    select,
)

from gradhealth.schemas.analysis import Device, Priority

from ..tables import OPEN, AnalysisRow

# The engine's priorities go up to 2^31 - 1. Turns begin anew whenever a queue is empty.
FIRST_TURN, FIRST_LOW_TURN, _LAST_TURN = 1, 2**30, 2**31 - 1


def next_turn(
    connection: Connection, project: str, queue: Device, priority: Priority
) -> int:
    """The turn of a new analysis.

    `high` is next, before what its project queued earlier; `low` comes after all that
    is not low.
    """
    first, last = FIRST_TURN, FIRST_LOW_TURN - 1
    if priority == "low":
        first, last = FIRST_LOW_TURN, _LAST_TURN
    present, following, latest = connection.execute(
        _TURNS, {"queue": queue, "first": first, "last": last, "project": project}
    ).one()
    # The turn of the latest that runs; with none, of the next to run.
    if present is None and following is not None:
        present = following - 1
    if priority == "high":
        return max(first, present or first)
    return min(max(first - 1, present or 0, latest or 0) + 1, last)


def _turns() -> Select[int | None, int | None, int | None]:
    """Of a queue the latest that runs and the next to run; the project's own latest."""
    ours = (AnalysisRow.queue == bindparam("queue")) & AnalysisRow.turn.between(
        bindparam("first"), bindparam("last")
    )
    own = AnalysisRow.project == bindparam("project")
    return select(
        _turn(func.max, ours, AnalysisRow.status == "running"),
        _turn(func.min, ours, AnalysisRow.status == "queued"),
        _turn(func.max, ours, AnalysisRow.status.in_(OPEN), own),
    )


def _turn(
    extreme: Callable[..., ColumnElement[int]], *conditions: ColumnElement[bool]
) -> ScalarSelect[int]:
    return select(extreme(AnalysisRow.turn)).where(*conditions).scalar_subquery()


# Put together once: that takes longer than to execute it.
_TURNS = _turns()
