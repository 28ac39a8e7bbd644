"""What is counted when an analysis ends that a worker had."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import Status

from ..access.usage import count_work
from .tallies import tally


async def count_end(
    session: AsyncSession,
    project: str,
    status: Status,
    *,
    began: datetime | None,
    ended: datetime,
) -> None:
    """Count the end, and the time it took, for its project and for all together.

    Args:
        session: The transaction in which it ends.
        project: Whose it is.
        status: How it ends.
        began: When a worker took it; None when none did: then nothing is counted.
        ended: This moment.
    """
    if began is None:
        return
    await count_work(session, project, began, ended)
    # A clock may have been set back meanwhile.
    seconds = max(0.0, (ended - began).total_seconds())
    await tally(session, "end", status=status, seconds=seconds)
