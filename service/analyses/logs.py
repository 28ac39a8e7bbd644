"""What the service does with logs: read, judge and keep them, and read them again."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

from gradhealth.ingest import IngestLimits, parse_mapping, read_log
from gradhealth.schemas.analysis import Analysis, Options, Source
from gradhealth.schemas.trace import Trace
from gradhealth.thresholds import check_thresholds
from storage.analyses.finished import Finished
from storage.analyses.records import NewAnalysis
from storage.uploads import Upload, UploadStore

from ..access.callers import Caller
from ..access.quotas import Quotas
from ..requests.files import ReceivedFile
from ..requests.log_query import MAX_LABEL_VALUE, LogQuery
from .judged_traces import judged


class LogService:
    """Takes logs in.

    Args:
        uploads: Where they are kept.
        caller: Who sends them.
        quotas: What the caller's project may still use.
        limits: The largest log that is read.
        slots: As many logs are read at once, which bounds the memory.
    """

    def __init__(
        self,
        uploads: UploadStore,
        caller: Caller,
        quotas: Quotas,
        limits: IngestLimits,
        slots: asyncio.Semaphore,
    ) -> None:
        self._uploads = uploads
        self._caller = caller
        self._quotas = quotas
        self._limits = limits
        self._slots = slots

    async def submit(
        self,
        received: ReceivedFile,
        query: LogQuery,
        *,
        idempotency_key: str | None = None,
    ) -> list[Analysis]:
        """The finished analyses of all runs in a file.

        Args:
            received: The file.
            query: How it is to be read.
            idempotency_key: With the same key, file and query they are the same again.

        Raises:
            ForeignProjectError: The caller's key opens another project.
            IdempotencyConflictError: The key came with another file or query before.
            IngestError: The file cannot be read as a log.
            InvalidDocumentError: A threshold is unknown.
            StorageFullError: The project may not store more.
        """
        upload = Upload(
            filename=query.filename or received.filename,
            format_name=query.format,
            mapping=parse_mapping(query.map, query.layers),
            num_bytes=received.num_bytes,
        )
        check_thresholds(query.thresholds, "/threshold")
        new = NewAnalysis(
            kind="trace",
            spec={"name": ""},
            options=Options(
                thresholds=query.thresholds,
                source=Source(path=upload.filename or None),
            ),
            project=self._caller.own(query.project),
            labels=query.labels,
            idempotency_key=idempotency_key,
            request_hash=_hash(received, query),
        )
        if earlier := await self._uploads.earlier(new):
            return earlier
        await self._quotas.check_room(upload.num_bytes)
        traces = await self._read(upload, received.content)
        runs = [
            Finished(run, *await judged(trace, query.thresholds))
            for run, trace in zip(_runs(new, traces), traces, strict=True)
        ]
        return await self._uploads.create(upload, received.content, runs)

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


def _hash(received: ReceivedFile, query: LogQuery) -> str:
    """Tells whether two requests are the same; a form's boundary does not count."""
    parts = [received.digest, received.filename, query.model_dump_json()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _runs(new: NewAnalysis, traces: Sequence[Trace]) -> list[NewAnalysis]:
    """The analysis of each run: of several, its name tells which one it is."""
    if len(traces) == 1:
        return [replace(new, spec={"name": traces[0].run})]
    return [
        replace(
            new,
            spec={"name": trace.run},
            # The end of a long name tells more.
            labels={"run": trace.run[-MAX_LABEL_VALUE:], **new.labels},
            idempotency_key=None if place else new.idempotency_key,
        )
        for place, trace in enumerate(traces)
    ]
