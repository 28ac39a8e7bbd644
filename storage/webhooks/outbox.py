"""What webhooks are to be told, written in the transaction in which it happens.

So nothing is told that did not happen, and nothing that happened is forgotten. Where
nobody listens it costs one look into an index.
"""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import AnalysisError
from gradhealth.schemas.run import Alert
from gradhealth.schemas.webhook import (
    EndedAnalysis,
    EventType,
    RunAlert,
    WebhookEvent,
)

from ..analyses.records import now
from ..database.columns import database_seconds
from ..tables import (
    AnalysisRow,
    DeliveryRow,
    LabelRow,
    ResultRow,
    RunRow,
    WebhookRow,
)

_ENDS: dict[str, EventType] = {
    "succeeded": "analysis.succeeded",
    "failed": "analysis.failed",
    "cancelled": "analysis.cancelled",
}

# Webhooks by id, and what each wants to be told.
Listening: TypeAlias = Sequence[tuple[str, Collection[EventType]]]


async def announce_end(session: AsyncSession, analysis_id: str, project: str) -> None:
    """Tell that an analysis has ended.

    Args:
        session: The transaction in which it ends; everything of it is written.
        analysis_id: Which.
        project: Whose.
    """
    listening = await _listening(session, project)
    if not listening:
        return
    row = (await session.execute(_ended(analysis_id))).one()
    ended = EndedAnalysis(
        id=analysis_id,
        kind=row.kind,
        project=project,
        labels=await _labels(session, analysis_id),
        status=row.status,
        verdict=row.verdict,
        primary=row.primary_problem,
        summary=row.summary,
        error=_error(row),
        link=f"/v1/analyses/{analysis_id}",
    )
    await _save(session, listening, [(_ENDS[row.status], ended)])


async def announce_alerts(
    session: AsyncSession, run_id: str, alerts: Sequence[Alert]
) -> None:
    """Tell alerts of a run, in the transaction that stores them."""
    query = select(RunRow.project, RunRow.name).where(RunRow.id == run_id)
    project, name = (await session.execute(query)).one()
    told = [
        RunAlert(
            run_id=run_id,
            run=name,
            project=project,
            number=alert.number,
            state=alert.state,
            problem=alert.problem,
            severity=alert.severity,
            step=alert.step,
            link=f"/v1/runs/{run_id}",
        )
        for alert in alerts
    ]
    listening = await _listening(session, project)
    await _save(session, listening, [("run.alert", each) for each in told])


async def _listening(session: AsyncSession, project: str) -> Listening:
    query = select(WebhookRow.id, WebhookRow.events).where(
        WebhookRow.project == project, WebhookRow.disabled_at.is_(None)
    )
    return [(row.id, row.events) for row in await session.execute(query)]


async def _save(
    session: AsyncSession,
    listening: Listening,
    told: Sequence[tuple[EventType, EndedAnalysis | RunAlert]],
) -> None:
    rows = [
        {
            "id": f"msg_{uuid.uuid4().hex}",
            "webhook_id": webhook_id,
            "type": type_,
            "body": WebhookEvent(
                type=type_, timestamp=now(), data=data
            ).model_dump_json(),
            "state": "pending",
            "attempts": 0,
            "created_at": now(),
            "due_at": database_seconds(),
        }
        for type_, data in told
        for webhook_id, events in listening
        if type_ in events
    ]
    for row in rows:
        await session.execute(insert(DeliveryRow).values(row))


def _ended(analysis_id: str) -> Any:
    return (
        select(
            AnalysisRow.kind,
            AnalysisRow.status,
            AnalysisRow.error_code,
            AnalysisRow.error_message,
            ResultRow.verdict,
            ResultRow.primary_problem,
            ResultRow.summary,
        )
        .outerjoin(ResultRow)
        .where(AnalysisRow.id == analysis_id)
    )


async def _labels(session: AsyncSession, analysis_id: str) -> dict[str, str]:
    query = select(LabelRow.key, LabelRow.value).where(
        LabelRow.analysis_id == analysis_id
    )
    return {row.key: row.value for row in await session.execute(query)}


def _error(row: Row[Any]) -> AnalysisError | None:
    if row.error_code is None:
        return None
    return AnalysisError(code=row.error_code, message=row.error_message or "")
