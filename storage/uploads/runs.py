"""The runs in a file: an analysis each, which belong together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVarTuple

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import MAX_LABEL_VALUE, Analysis

from ..analyses.finished import Finished, save_finished
from ..analyses.records import NewAnalysis, load_analyses
from ..tables import AnalysisRow, UploadRunRow

Ts = TypeVarTuple("Ts")


def analyses_of(new: NewAnalysis, runs: Sequence[str]) -> list[NewAnalysis]:
    """The analysis of each run: of several, a label tells which one it is.

    Args:
        new: What all have in common; the first keeps its idempotency key.
        runs: Their names, in the file's order.
    """
    if len(runs) == 1:
        return [replace(new, spec={"name": runs[0]})]
    return [
        replace(
            new,
            spec={"name": run},
            # The end of a long name tells more.
            labels={"run": run[-MAX_LABEL_VALUE:], **new.labels},
            idempotency_key=None if place else new.idempotency_key,
        )
        for place, run in enumerate(runs)
    ]


async def save_run(
    session: AsyncSession, upload_id: str, finished: Finished
) -> Analysis:
    """Insert the finished analysis of one run in a file."""
    analysis = await save_finished(session, finished)
    run = str(finished.new.spec["name"])
    values = {"analysis_id": analysis.id, "upload_id": upload_id, "run": run}
    await session.execute(insert(UploadRunRow), values)
    return analysis


async def load_runs(session: AsyncSession, analysis_id: str) -> list[Analysis]:
    """The analyses of all runs in a file by that of one, in the file's order.

    Nothing for an analysis that is about no file.
    """
    query = beside(select(AnalysisRow), analysis_id)
    return await load_analyses(session, [*(await session.execute(query)).scalars()])


def beside(query: Select[*Ts], analysis_id: str) -> Select[*Ts]:
    """A query of analyses: only those of the same file, in the file's order."""
    upload = select(UploadRunRow.upload_id).where(
        UploadRunRow.analysis_id == analysis_id
    )
    return (
        query.join(UploadRunRow, UploadRunRow.analysis_id == AnalysisRow.id)
        .where(UploadRunRow.upload_id.in_(upload))
        .order_by(AnalysisRow.created_at, AnalysisRow.id)
    )
