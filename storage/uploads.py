"""Logs as they were sent: kept with their analyses, so that they can be read again."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.ingest import LogMapping
from gradhealth.schemas.analysis import Analysis

from .analyses.finished import Finished, save_finished
from .analyses.idempotency import earlier_row
from .analyses.records import NewAnalysis, load_analyses
from .database.session import Sessions
from .tables import AnalysisRow, UploadChunkRow, UploadRow, UploadRunRow

CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Upload:
    """How a log is to be read.

    Attributes:
        format_name: Of a log format, or `auto`.
        num_bytes: As it was sent.
    """

    filename: str
    format_name: str
    mapping: LogMapping
    num_bytes: int


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An upload that one analysis at least is about.

    Attributes:
        run: The run that the analysis is about; null when it was not read yet.
    """

    id: str
    upload: Upload
    run: str | None


class UploadStore:
    """Keeps the uploads of a project.

    Args:
        project: The one project; None for every one.
    """

    def __init__(self, sessions: Sessions, *, project: str | None) -> None:
        self._sessions = sessions
        self._project = project

    async def create(
        self, upload: Upload, content: BinaryIO, runs: Sequence[Finished]
    ) -> list[Analysis]:
        """Store an upload and the analyses of its runs, all or nothing.

        Under an idempotency key that was used before, they are the earlier ones.

        Args:
            upload: How it was read.
            content: Its bytes, read from the front.
            runs: At least one, of one project; the first has the key.

        Raises:
            IdempotencyConflictError: The key was used for another request.
        """
        first = runs[0].new
        assert self._project in (None, first.project)
        try:
            async with self._sessions.writing() as session:
                upload_id = await save_upload(session, upload, content, first.project)
                return [await _save_run(session, upload_id, run) for run in runs]
        except IntegrityError:
            # Of simultaneous requests under one key the database lets one win.
            return await self.earlier(first)

    async def earlier(self, new: NewAnalysis) -> list[Analysis]:
        """The analyses of the upload that came before under the idempotency key.

        Raises:
            IdempotencyConflictError: The key was used for another request.
        """
        if new.idempotency_key is None:
            return []
        async with self._sessions.reading() as session:
            row = await earlier_row(session, new)
            return [] if row is None else await _runs_beside(session, row.id)

    async def add(self, stored: StoredUpload, run: Finished) -> Analysis:
        """Store one more analysis of an upload."""
        async with self._sessions.writing() as session:
            return await _save_run(session, stored.id, run)

    async def find(self, analysis_id: str) -> StoredUpload | None:
        """The upload that an analysis is about; None when it is about none."""
        query = (
            select(UploadRow, UploadRunRow.run)
            .join(UploadRunRow, UploadRunRow.upload_id == UploadRow.id)
            .where(UploadRunRow.analysis_id == analysis_id)
        )
        if self._project is not None:
            query = query.where(UploadRow.project == self._project)
        async with self._sessions.reading() as session:
            found = (await session.execute(query)).first()
        if found is None:
            return None
        row, run = found
        upload = Upload(row.filename, row.format, row.mapping, row.stored_bytes)
        return StoredUpload(row.id, upload, run)

    async def copy(self, stored: StoredUpload, file: BinaryIO) -> None:
        """Write an upload's content to an open file."""
        query = select(UploadChunkRow.chunk).where(
            UploadChunkRow.upload_id == stored.id
        )
        num_chunks = -(-stored.upload.num_bytes // CHUNK_BYTES)
        async with self._sessions.reading() as session:
            for position in range(num_chunks):
                one = query.where(UploadChunkRow.position == position)
                file.write((await session.execute(one)).scalar_one())


async def save_upload(
    session: AsyncSession, upload: Upload, content: BinaryIO, project: str
) -> str:
    """Insert an upload with its content; its new id."""
    row = UploadRow(
        id=uuid.uuid4().hex,
        project=project,
        filename=upload.filename,
        format=upload.format_name,
        mapping=upload.mapping,
        stored_bytes=upload.num_bytes,
    )
    session.add(row)
    await session.flush()
    content.seek(0)
    position = 0
    while chunk := content.read(CHUNK_BYTES):
        values = {"upload_id": row.id, "position": position, "chunk": chunk}
        await session.execute(insert(UploadChunkRow), values)
        position += 1
    return row.id


async def _runs_beside(session: AsyncSession, analysis_id: str) -> list[Analysis]:
    """The analyses of all runs in a file, by that of one, in the file's order."""
    upload = select(UploadRunRow.upload_id).where(
        UploadRunRow.analysis_id == analysis_id
    )
    query = (
        select(AnalysisRow)
        .join(UploadRunRow)
        .where(UploadRunRow.upload_id.in_(upload))
        .order_by(AnalysisRow.created_at, AnalysisRow.id)
    )
    return await load_analyses(session, [*(await session.execute(query)).scalars()])


async def _save_run(
    session: AsyncSession, upload_id: str, finished: Finished
) -> Analysis:
    analysis = await save_finished(session, finished)
    run = str(finished.new.spec["name"])
    session.add(UploadRunRow(analysis_id=analysis.id, upload_id=upload_id, run=run))
    return analysis


async def forget_uploads(session: AsyncSession, upload_id: str | None = None) -> None:
    """Delete an upload, or any, that no analysis is about any more."""
    used = exists().where(UploadRunRow.upload_id == UploadRow.id)
    query = delete(UploadRow).where(~used)
    if upload_id is not None:
        query = query.where(UploadRow.id == upload_id)
    await session.execute(query.execution_options(synchronize_session=False))


async def upload_of(session: AsyncSession, analysis_id: str) -> str | None:
    """The id of the upload that an analysis is about."""
    query = select(UploadRunRow.upload_id).where(
        UploadRunRow.analysis_id == analysis_id
    )
    return (await session.execute(query)).scalar()
