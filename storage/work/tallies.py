"""Counts what happens to analyses in the transaction in which it happens.

The counts only grow and outlive every process, so whoever watches the service reads
them from any of its processes; a histogram is a row for each of its buckets.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..database.session import Sessions
from ..database.upserts import insert_into
from ..tables import Happening, TallyRow

# Upper bounds of the buckets, in seconds: from theory's tenth to the longest limit.
BOUNDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, math.inf)


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened, and how long it took together.

    Attributes:
        by_bound: Of those that took time, how many took no longer than the bound and
            longer than the one before.
    """

    number: int
    seconds: float
    by_bound: Mapping[float, int]


async def tally(
    session: AsyncSession, *happened: Happening, status: str = "", seconds: float = 0.0
) -> None:
    """Count what happens in this transaction.

    Args:
        session: The transaction.
        happened: Each once.
        status: How an analysis ended.
        seconds: How long an analysis took, or waited.
    """
    bound = next(each for each in BOUNDS if seconds <= each)
    # In the same order everywhere, or two transactions would wait for each other.
    rows = [
        {"what": what, "status": status, "up_to_seconds": bound, "seconds": seconds}
        for what in sorted(happened)
    ]
    insert = insert_into(session, TallyRow).values([r | {"number": 1} for r in rows])
    await session.execute(
        insert.on_conflict_do_update(
            index_elements=["what", "status", "up_to_seconds"],
            set_={
                "number": TallyRow.number + 1,
                "seconds": TallyRow.seconds + seconds,
            },
        )
    )


class TallyStore:
    """Reads the counts."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def all(self) -> dict[tuple[Happening, str], Tally]:
        """What happened so far, by what it was and in which status it ended."""
        rows = defaultdict[tuple[Happening, str], list[TallyRow]](list)
        async with self._sessions.reading() as session:
            for row in (await session.execute(select(TallyRow))).scalars():
                rows[row.what, row.status].append(row)
        return {
            key: Tally(
                number=sum(row.number for row in those),
                seconds=sum(row.seconds for row in those),
                by_bound={row.up_to_seconds: row.number for row in those},
            )
            for key, those in rows.items()
        }
