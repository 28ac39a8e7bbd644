"""What is judged of runs: read their numbers in order, keep what was found."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.alerts import Changes
from gradhealth.batches.batch import Batch
from gradhealth.diagnosis import Diagnosis
from gradhealth.schemas.finding import Finding
from gradhealth.schemas.run import Alert, AlertState, OpenProblem
from gradhealth.schemas.trace import Context, TracedLayer

from ..analyses.records import now
from ..database.session import Sessions
from ..tables import AlertRow, ChunkRow, RunRow
from ..webhooks.outbox import announce_alerts
from .chunks import SERIES, unpack_chunks

# Read at once: about 2 million numbers, or so many batches.
_MOST_BYTES, _MOST_BATCHES = 8 * 2**20, 500


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is and was judged.

    Attributes:
        last_step: -1 before the first batch.
        judged_step: -1 before it was judged.
    """

    last_step: int
    judged_step: int
    problems: Sequence[OpenProblem]


class JudgementStore:
    """Reads the numbers of any project's runs, and writes what they mean."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def state(self, run_id: str) -> RunState | None:
        """How far the run is; None when it was deleted."""
        query = select(RunRow.last_step, RunRow.judged_step, RunRow.problems).where(
            RunRow.id == run_id
        )
        async with self._sessions.reading() as session:
            row = (await session.execute(query)).first()
        return None if row is None else RunState(*row)

    async def announced(self, run_id: str) -> tuple[list[TracedLayer], Context] | None:
        """The layers of a run, and what is known beside its numbers."""
        query = select(RunRow.layers, RunRow.config).where(RunRow.id == run_id)
        async with self._sessions.reading() as session:
            row = (await session.execute(query)).first()
        if row is None:
            return None
        return row.layers, context_of(row.config)

    async def unjudged(self) -> list[str]:
        """Runs with batches that nobody has judged yet."""
        query = select(RunRow.id).where(RunRow.judged_step < RunRow.last_step)
        async with self._sessions.reading() as session:
            return [*(await session.execute(query)).scalars()]

    async def batches_after(
        self, run_id: str, step: int, names: Collection[str]
    ) -> list[Batch]:
        """The next batches behind a step, as many as are good to read at once.

        Args:
            run_id: The run.
            step: The last one that is known; -1: none.
            names: Layer series to read; series come all.
        """
        async with self._sessions.reading() as session:
            last = await _end_of_portion(session, run_id, step)
            query = (
                select(ChunkRow.first_step, ChunkRow.chunk)
                .where(
                    ChunkRow.run_id == run_id,
                    ChunkRow.name.in_([SERIES, *names]),
                    ChunkRow.first_step > step,
                    ChunkRow.first_step <= last,
                )
                .order_by(ChunkRow.first_step, ChunkRow.name)
            )
            rows = (await session.execute(query)).all()
        # A tenth of a second of work: requests are served meanwhile.
        return await asyncio.to_thread(_unpacked, rows)

    async def save(
        self,
        run_id: str,
        diagnosis: Diagnosis,
        changes: Changes,
        *,
        judged_before: int,
        step: int,
    ) -> bool:
        """Keep a judgement, unless somebody has kept one since.

        Args:
            run_id: The run.
            diagnosis: Of the run as far as `step`.
            changes: Since the judgement that ends with `judged_before`.
            judged_before: `RunState.judged_step` when it was made.
            step: The last step that was judged.
        """
        async with self._sessions.writing() as session:
            kept = await session.execute(
                update(RunRow)
                .where(RunRow.id == run_id, RunRow.judged_step == judged_before)
                .values(
                    judged_step=step,
                    verdict=diagnosis.verdict,
                    primary_problem=diagnosis.primary,
                    summary=diagnosis.summary,
                    problems=[*changes.open],
                )
                .returning(RunRow.id)
                .execution_options(synchronize_session=False)
            )
            if kept.first() is None:
                return False
            await _tell(session, run_id, changes, step)
        return True


def context_of(config: dict[str, Any]) -> Context:
    """What of a run's configuration helps to judge."""
    known = {name: x for name, x in config.items() if name in Context.model_fields}
    return Context.model_validate({"source_format": "run", **known})


def _unpacked(rows: Sequence[Row[int, bytes]]) -> list[Batch]:
    """The batches of chunks that stand in order, each with its first step."""
    batches = groupby(rows, key=itemgetter(0))
    return [unpack_chunks([chunk for _, chunk in batch]) for _, batch in batches]


async def _end_of_portion(session: AsyncSession, run_id: str, step: int) -> int:
    """First step of the last batch that is read with the next ones."""
    query = (
        select(ChunkRow.first_step, ChunkRow.batch_bytes)
        .where(
            ChunkRow.run_id == run_id,
            ChunkRow.name == SERIES,
            ChunkRow.first_step > step,
        )
        .order_by(ChunkRow.first_step)
        .limit(_MOST_BATCHES)
    )
    rows = (await session.execute(query)).all()
    if not rows:
        return step
    sizes = accumulate(row.batch_bytes for row in rows)
    fitting = sum(size <= _MOST_BYTES for size in sizes)
    # One at least, however large.
    return int(rows[max(fitting, 1) - 1].first_step)


async def _tell(
    session: AsyncSession, run_id: str, changes: Changes, step: int
) -> None:
    told: list[tuple[AlertState, Finding | OpenProblem]] = [
        *(("raised", finding) for finding in changes.raised),
        *(("cleared", problem) for problem in changes.cleared),
    ]
    if not told:
        return
    count = select(func.count()).where(AlertRow.run_id == run_id)
    before = (await session.execute(count)).scalar_one()
    alerts = [
        Alert(
            number=number,
            at=now(),
            state=state,
            problem=what.problem,
            severity=what.severity,
            step=step,
            finding=what if isinstance(what, Finding) else None,
        )
        for number, (state, what) in enumerate(told, before + 1)
    ]
    rows = [{"run_id": run_id, **_columns(alert)} for alert in alerts]
    await session.execute(insert(AlertRow), rows)
    await announce_alerts(session, run_id, alerts)


def _columns(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in Alert.model_fields}
