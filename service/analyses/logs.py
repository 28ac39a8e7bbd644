"""What the service does with logs: keep them, and judge them or let a worker do it."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import BinaryIO

from gradhealth.ingest import check_format, parse_mapping, read_log
from gradhealth.schemas.analysis import Analysis, Options, Source
from gradhealth.schemas.trace import Trace
from gradhealth.telemetry.log_lines import also_about
from gradhealth.telemetry.tracing import current_traceparent
from gradhealth.thresholds import check_thresholds
from storage.analyses.finished import Finished
from storage.analyses.records import NewAnalysis
from storage.uploads.content import Upload
from storage.uploads.runs import analyses_of
from storage.uploads.store import UploadStore

from ..access.callers import Caller
from ..access.quotas import Quotas
from ..config import ServiceSettings
from ..exceptions import NotFoundError
from ..requests.files import ReceivedFile
from ..requests.log_query import LogQuery
from .judged_traces import judged


class LogService:
    """Takes logs in.

    Args:
        uploads: Where they are kept.
        caller: Who sends them.
        quotas: What the caller's project may still use.
        settings: The largest log that is read, and that is read in its request.
        slots: As many logs are read at once, which bounds the memory.
    """

    def __init__(
        self,
        uploads: UploadStore,
        caller: Caller,
        quotas: Quotas,
        settings: ServiceSettings,
        slots: asyncio.Semaphore,
    ) -> None:
        self._uploads = uploads
        self._caller = caller
        self._quotas = quotas
        self._limits = settings.log_limits
        self._bytes_at_once = settings.max_log_bytes_at_once
        self._slots = slots

    async def submit(
        self,
        received: ReceivedFile,
        query: LogQuery,
        *,
        idempotency_key: str | None = None,
    ) -> list[Analysis]:
        """The analyses of all runs in a file; of a large one the first, queued.

        Args:
            received: The file.
            query: How it is to be read.
            idempotency_key: With the same key, file and query they are the same again.

        Raises:
            ForeignProjectError: The caller's key opens another project.
            IdempotencyConflictError: The key came with another file or query before.
            IngestError: The file cannot be read as a log.
            InvalidDocumentError: A threshold is unknown.
            QueueFullError, StorageFullError, WorkSpentError: The project may not have
                more.
        """
        upload = Upload(
            filename=query.filename or received.filename,
            format_name=query.format,
            mapping=parse_mapping(query.map, query.layers),
            num_bytes=received.num_bytes,
        )
        check_format(query.format)
        check_thresholds(query.thresholds, "/threshold")
        new = NewAnalysis(
            kind="trace",
            spec={"name": "", "limits": asdict(self._limits)},
            options=Options(
                thresholds=query.thresholds,
                source=Source(path=upload.filename or None),
            ),
            project=self._caller.own(query.project),
            labels=query.labels,
            idempotency_key=idempotency_key,
            request_hash=_hash(received, query),
            traceparent=current_traceparent(),
        )
        if earlier := await self._uploads.earlier(new):
            return earlier
        await self._quotas.check_room(upload.num_bytes)
        if upload.num_bytes <= self._bytes_at_once:
            return await self._judge(upload, received.content, new)
        await self._quotas.check_queue()
        queued = await self._uploads.create_queued(upload, received.content, new)
        also_about(analysis_id=queued[0].id)
        return queued

    async def runs(self, analysis_id: str) -> list[Analysis]:
        """The analyses of all runs in the file that an analysis is about.

        Raises:
            NotFoundError: There is none with this id.
        """
        runs = await self._uploads.runs(analysis_id)
        if not runs:
            raise NotFoundError(analysis_id)
        return runs

    async def names_of_runs(self, analysis_id: str) -> dict[str, str]:
        """The names of the runs in the same file, by their analyses' ids."""
        return await self._uploads.names_of_runs(analysis_id)

    async def _judge(
        self, upload: Upload, content: BinaryIO, new: NewAnalysis
    ) -> list[Analysis]:
        traces = await self._read(upload, content)
        runs = [
            Finished(run, *await judged(trace, new.options.thresholds))
            for run, trace in zip(_analyses(new, traces), traces, strict=True)
        ]
        return await self._uploads.create(upload, content, runs)

    async def _read(self, upload: Upload, content: BinaryIO) -> list[Trace]:
        # In a thread: megabytes of text take seconds.
        async with self._slots:
            return await asyncio.to_thread(
                read_log,
                content,
                filename=upload.filename,
                format_name=upload.format_name,
                mapping=upload.mapping,
                limits=self._limits,
            )


def _analyses(new: NewAnalysis, traces: Sequence[Trace]) -> list[NewAnalysis]:
    return analyses_of(new, [trace.run for trace in traces])


def _hash(received: ReceivedFile, query: LogQuery) -> str:
    """Tells whether two requests are the same; a form's boundary does not count."""
    parts = [received.digest, received.filename, query.model_dump_json()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
