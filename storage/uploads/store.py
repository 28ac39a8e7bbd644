"""Logs as they were sent: kept with their analyses, so that they can be read again."""

from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from gradhealth.schemas.analysis import Analysis

from ..analyses.acceptance import Acceptance
from ..analyses.finished import Finished
from ..analyses.idempotency import earlier_row
from ..analyses.records import NewAnalysis, load_analyses
from ..database.session import Sessions
from ..tables import AnalysisRow, UploadRunRow
from .content import Upload, insert_upload
from .runs import beside, load_runs, save_run


class UploadStore:
    """Keeps the uploads of a project.

    What is stored under an idempotency key that was used before is the earlier one;
    the key with another request raises `IdempotencyConflictError`.

    Args:
        project: The one project; None for every one.
    """

    def __init__(
        self, sessions: Sessions, acceptance: Acceptance, *, project: str | None
    ) -> None:
        self._sessions = sessions
        self._acceptance = acceptance
        self._project = project

    async def create(
        self, upload: Upload, content: BinaryIO, runs: Sequence[Finished]
    ) -> list[Analysis]:
        """Store an upload and the analyses of its runs, all or nothing.

        Args:
            upload: How it was read.
            content: Its bytes, read from the front.
            runs: At least one, of one project; the first has the key.
        """
        first = runs[0].new
        assert self._project in (None, first.project)
        insertion = partial(
            insert_upload, upload=upload, content=content, project=first.project
        )
        try:
            async with self._sessions.writing() as session:
                connection = await session.connection()
                upload_id = await connection.run_sync(insertion)
                return [await save_run(session, upload_id, run) for run in runs]
        except IntegrityError:
            # Of simultaneous requests under one key the database lets one win.
            return await self.earlier(first)

    async def create_queued(
        self, upload: Upload, content: BinaryIO, new: NewAnalysis
    ) -> list[Analysis]:
        """Store an upload for a worker to read; the analysis of its first run.

        Args:
            upload: How it is to be read.
            content: Its bytes, read from the front.
            new: What is asked for; its spec is the worker's order.
        """
        assert self._project in (None, new.project)
        try:
            return [await self._acceptance.accept_upload(new, upload, content)]
        except IntegrityError:
            return await self.earlier(new)

    async def earlier(self, new: NewAnalysis) -> list[Analysis]:
        """The analyses of the upload that came before under the idempotency key."""
        if new.idempotency_key is None:
            return []
        async with self._sessions.reading() as session:
            row = await earlier_row(session, new)
            return [] if row is None else await load_runs(session, row.id)

    async def runs(self, analysis_id: str) -> list[Analysis]:
        """The analyses of all runs in the file that an analysis is about.

        In the file's order; the analysis alone where it is about no file, and nothing
        where there is none with this id.
        """
        query = select(AnalysisRow).where(AnalysisRow.id == analysis_id)
        if self._project is not None:
            query = query.where(AnalysisRow.project == self._project)
        async with self._sessions.reading() as session:
            row = (await session.execute(query)).scalar_one_or_none()
            if row is None:
                return []
            runs = await load_runs(session, analysis_id)
            return runs or await load_analyses(session, [row])

    async def names_of_runs(self, analysis_id: str) -> dict[str, str]:
        """The runs in the file that an analysis is about: their names, by id.

        In the file's order; nothing where it is about no file of the project's.
        """
        query = beside(select(AnalysisRow.id, UploadRunRow.run), analysis_id)
        if self._project is not None:
            query = query.where(AnalysisRow.project == self._project)
        async with self._sessions.reading() as session:
            return {row.id: row.run or "" for row in await session.execute(query)}
