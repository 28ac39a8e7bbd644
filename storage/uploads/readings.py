"""Logs that wait to be read, as a worker sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.schemas.analysis import Result
from gradhealth.schemas.event import Event

from ..analyses.finished import Finished
from ..analyses.records import NewAnalysis, label_columns, load_labels
from ..database.retry import patient
from ..database.session import Sessions
from ..tables import AnalysisRow, LabelRow, UploadRow, UploadRunRow
from ..work.claims import Claim, locked, succeed
from .content import Upload, load_content, upload_of
from .runs import analyses_of, save_run


@dataclass(frozen=True, slots=True)
class StoredLog:
    """A log, and how it is to be read."""

    upload: Upload
    content: bytes


@dataclass(frozen=True, slots=True)
class ReadRun:
    """One run in a log.

    Attributes:
        traces: The numbers behind the result, compressed.
    """

    name: str
    result: Result
    traces: bytes


class ReadingStore:
    """Gives a worker the log of its claim, and stores what was in it.

    Every call waits for a database that is out of reach.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @patient
    async def load(self, analysis_id: str) -> StoredLog | None:
        """The log that an analysis is about; None when it is gone."""
        query = (
            select(UploadRow)
            .join(UploadRunRow, UploadRunRow.upload_id == UploadRow.id)
            .where(UploadRunRow.analysis_id == analysis_id)
        )
        async with self._sessions.reading() as session:
            row = (await session.execute(query)).scalar_one_or_none()
            if row is None:
                return None
            upload = Upload(row.filename, row.format, row.mapping, row.stored_bytes)
            return StoredLog(upload, await load_content(session, row.id))

    @patient
    async def finish(
        self,
        claim: Claim,
        runs: Sequence[ReadRun],
        events: Sequence[Event] = (),
        *,
        after: int = 0,
    ) -> None:
        """Store the results of all runs, unless the claim is lost.

        The first run's is the claimed analysis; each other run becomes an analysis of
        its own.

        Args:
            claim: The right to write.
            runs: At least one, in the file's order.
            events: What was found in the first since.
            after: How many events are stored before those.
        """
        async with self._sessions.writing() as session:
            row = await locked(session, claim)
            if row is None:
                return
            upload_id = await upload_of(session, row.id)
            assert upload_id is not None
            first, *others = await _analyses(session, row, [run.name for run in runs])
            await _name(session, row, first)
            for new, run in zip(others, runs[1:], strict=True):
                finished = Finished(new, run.result, run.traces)
                await save_run(session, upload_id, finished)
            await succeed(session, row, runs[0].result, runs[0].traces, events, after)


async def _analyses(
    session: AsyncSession, row: AnalysisRow, runs: Sequence[str]
) -> list[NewAnalysis]:
    labels = (await load_labels(session, [row.id]))[row.id]
    new = NewAnalysis(
        kind=row.kind, spec={}, options=row.options, project=row.project, labels=labels
    )
    return analyses_of(new, runs)


async def _name(session: AsyncSession, row: AnalysisRow, new: NewAnalysis) -> None:
    """Make an analysis that waited for its file that of the first run in it."""
    known = (await load_labels(session, [row.id]))[row.id]
    fresh = {key: new.labels[key] for key in new.labels.keys() - known.keys()}
    if fresh:
        await session.execute(insert(LabelRow), label_columns(row, fresh))
    row.spec, row.name = new.spec, new.name
    run = update(UploadRunRow).where(UploadRunRow.analysis_id == row.id)
    await session.execute(run.values(run=new.spec["name"]))
