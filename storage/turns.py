"""Whose turn it is: fairness between projects as a number, given at acceptance.

The queue takes the smallest turn first. A project's analyses get consecutive turns
from the queue's present one on, so that projects alternate: one that queues a
thousand does not delay another's single one beyond what runs already (start-time fair
queueing, Goyal, Vin & Cheng 1996, with every analysis weighing the same).
"""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import Device, Priority

from .tables import OPEN, AnalysisRow

# The engine's priorities go up to 2^31 - 1. Turns begin anew whenever a queue is empty.
FIRST_TURN, FIRST_LOW_TURN, _LAST_TURN = 1, 2**30, 2**31 - 1


async def next_turn(
    session: AsyncSession, project: str, queue: Device, priority: Priority
) -> int:
    """The turn of a new analysis.

    `high` is next, before what its project queued earlier; `low` comes after all that
    is not low.
    """
    first, last = FIRST_TURN, FIRST_LOW_TURN - 1
    if priority == "low":
        first, last = FIRST_LOW_TURN, _LAST_TURN
    ours = (AnalysisRow.queue == queue) & AnalysisRow.turn.between(first, last)
    present = await _present(session, ours)
    latest = await _largest(
        session, ours, AnalysisRow.status.in_(OPEN), AnalysisRow.project == project
    )
    if priority == "high":
        return max(first, present or first)
    return min(max(first - 1, present or 0, latest or 0) + 1, last)


async def _present(session: AsyncSession, ours: ColumnElement[bool]) -> int | None:
    # The turn of the latest that runs; with none, of the next to run.
    running = await _largest(session, ours, AnalysisRow.status == "running")
    if running is not None:
        return running
    query = select(func.min(AnalysisRow.turn))
    waiting = query.where(ours, AnalysisRow.status == "queued")
    following: int | None = (await session.execute(waiting)).scalar()
    return None if following is None else following - 1


async def _largest(
    session: AsyncSession, *conditions: ColumnElement[bool]
) -> int | None:
    query = select(func.max(AnalysisRow.turn)).where(*conditions)
    largest: int | None = (await session.execute(query)).scalar()
    return largest
