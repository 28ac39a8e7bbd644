"""Units of work: replies kept for whoever takes over, and offers to idle workers.

The worker that has the analysis does its units one after the other. What waits it
offers; a worker with nothing else to do borrows a unit, and gives its reply or the
unit itself back. A unit that came back is not offered again.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, insert, select, update

from gradhealth.schemas.analysis import Device

from ..database.retry import patient
from ..database.session import Sessions
from ..tables import OPEN, AnalysisRow, UnitRow
from .claims import Claim, locked

Message: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewUnit:
    """A unit as the analysis asks for it."""

    key: str
    unit: str
    arguments: Message


@dataclass(frozen=True, slots=True)
class UnitState:
    """How a unit is: has a reply, is free for all, or is with `worker_id`."""

    reply: Message | None
    offered: bool
    worker_id: str | None


@dataclass(frozen=True, slots=True)
class Loan:
    """A unit of another worker's analysis.

    Attributes:
        traceparent: The span in which the analysis was asked for.
    """

    analysis_id: str
    key: str
    unit: str
    arguments: Message
    traceparent: str | None


class UnitStore:
    """The units of open analyses; every call waits for a database out of reach."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @patient
    async def states(
        self, analysis_id: str, keys: Collection[str] | None = None
    ) -> dict[str, UnitState]:
        """The units that were kept or offered, by key; of these keys only."""
        query = select(
            UnitRow.key, UnitRow.reply, UnitRow.offered, UnitRow.worker_id
        ).where(UnitRow.analysis_id == analysis_id)
        if keys is not None:
            query = query.where(UnitRow.key.in_(keys))
        async with self._sessions.reading() as session:
            return {
                row.key: UnitState(
                    row.reply and json.loads(row.reply), row.offered, row.worker_id
                )
                for row in await session.execute(query)
            }

    @patient
    async def offer(self, claim: Claim, units: Sequence[NewUnit]) -> None:
        """Let other workers do the units, unless the claim is lost."""
        async with self._sessions.writing() as session:
            if await locked(session, claim) is None:
                return
            known = select(UnitRow.key).where(UnitRow.analysis_id == claim.analysis_id)
            keys = set((await session.execute(known)).scalars())
            rows = [
                _columns(claim, unit, offered=True)
                for unit in units
                if unit.key not in keys
            ]
            if rows:
                await session.execute(insert(UnitRow), rows)

    @patient
    async def take_back(self, claim: Claim, key: str) -> bool:
        """Stop offering a unit; False when another worker has it or has done it."""
        mine = _unit(claim.analysis_id, key) & UnitRow.worker_id.is_(None)
        query = update(UnitRow).where(mine, UnitRow.reply.is_(None))
        async with self._sessions.writing() as session:
            changed = query.values(offered=False).returning(UnitRow.key)
            return (await session.execute(changed)).first() is not None

    @patient
    async def keep(self, claim: Claim, unit: NewUnit, reply: Message) -> None:
        """Keep the reply of the claimant's own unit, unless the claim is lost."""
        async with self._sessions.writing() as session:
            if await locked(session, claim) is None:
                return
            row = await session.get(UnitRow, (claim.analysis_id, unit.key))
            if row is None:
                row = UnitRow(**_columns(claim, unit, offered=False))
                session.add(row)
            row.reply = json.dumps(reply)

    @patient
    async def borrow(self, worker_id: str, device: Device) -> Loan | None:
        """Take a unit that is offered; None when there is none."""
        free = (
            UnitRow.offered,
            UnitRow.device == device,
            UnitRow.worker_id.is_(None),
            UnitRow.reply.is_(None),
        )
        # Idle workers look often: they lock nothing before there is something.
        look = select(UnitRow.key).where(*free).limit(1)
        take = select(UnitRow).where(*free).limit(1).with_for_update(skip_locked=True)
        async with self._sessions.reading() as session:
            if (await session.execute(look)).first() is None:
                return None
        async with self._sessions.writing() as session:
            row = (await session.execute(take)).scalar_one_or_none()
            if row is None:
                return None
            row.worker_id = worker_id
            arguments = json.loads(row.arguments)
            asked = select(AnalysisRow.traceparent).where(
                AnalysisRow.id == row.analysis_id
            )
            traceparent = (await session.execute(asked)).scalar_one()
            return Loan(row.analysis_id, row.key, row.unit, arguments, traceparent)

    @patient
    async def is_lent(self, loan: Loan, worker_id: str) -> bool:
        """Whether somebody still wants the borrower's reply."""
        query = (
            select(UnitRow.key)
            .join(AnalysisRow)
            .where(_lent(loan, worker_id), AnalysisRow.status.in_(OPEN))
        )
        async with self._sessions.reading() as session:
            return (await session.execute(query)).first() is not None

    @patient
    async def give_back(
        self, loan: Loan, worker_id: str, reply: Message | None
    ) -> None:
        """Give the reply, or without one the unit, back to the analysis' worker."""
        values: dict[str, Any] = {"worker_id": None, "offered": False}
        if reply is not None:
            values["reply"] = json.dumps(reply)
        async with self._sessions.writing() as session:
            query = update(UnitRow).where(_lent(loan, worker_id))
            await session.execute(query.values(values))

    @patient
    async def free_lost(self, alive: Collection[str]) -> None:
        """Give back what workers outside `alive` had borrowed."""
        lost = (
            UnitRow.worker_id.is_not(None)
            & UnitRow.worker_id.not_in(alive)
            & UnitRow.reply.is_(None)
        )
        async with self._sessions.reading() as session:
            if (await session.execute(select(UnitRow.key).where(lost))).first() is None:
                return
        async with self._sessions.writing() as session:
            query = update(UnitRow).where(lost)
            await session.execute(query.values(worker_id=None, offered=False))


def _unit(analysis_id: str, key: str) -> ColumnElement[bool]:
    return and_(UnitRow.analysis_id == analysis_id, UnitRow.key == key)


def _lent(loan: Loan, worker_id: str) -> ColumnElement[bool]:
    return _unit(loan.analysis_id, loan.key) & (UnitRow.worker_id == worker_id)


def _columns(claim: Claim, unit: NewUnit, *, offered: bool) -> dict[str, Any]:
    return {
        "analysis_id": claim.analysis_id,
        "key": unit.key,
        "unit": unit.unit,
        # Only whoever borrows it needs to be told.
        "arguments": json.dumps(unit.arguments) if offered else "",
        "device": claim.queue,
        "offered": offered,
        "worker_id": None,
        "reply": None,
    }
