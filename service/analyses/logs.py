"""What the service does with logs: read, judge and keep them, and read them again."""

import asyncio
from collections.abc import Sequence
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

    async def submit(self, received: ReceivedFile, query: LogQuery) -> list[Analysis]:
        """The finished analyses of all runs in a file.

        Raises:
            ForeignProjectError: The caller's key opens another project.
            IngestError: The file cannot be read as a log.
            InvalidDocumentError: A threshold is unknown.
            StorageFullError: The project may not store more.
        """
        project = self._caller.own(query.project)
        upload = Upload(
            filename=query.filename or received.filename,
            format_name=query.format,
            mapping=parse_mapping(query.map, query.layers),
            num_bytes=received.num_bytes,
        )
        check_thresholds(query.thresholds, "/threshold")
        await self._quotas.check_room(upload.num_bytes)
        source = Source(path=upload.filename or None)
        options = Options(thresholds=query.thresholds, source=source)
        traces = await self._read(upload, received.content)
        runs = [
            Finished(
                NewAnalysis("trace", {"name": trace.run}, options, project, labels),
                *await judged(trace, query.thresholds),
            )
            for trace, labels in zip(traces, _labels(query, traces), strict=True)
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


def _labels(query: LogQuery, traces: Sequence[Trace]) -> list[dict[str, str]]:
    """The labels of each run: of several, its name tells which one it is."""
    if len(traces) == 1:
        return [query.labels]
    # The end of a long name tells more.
    return [{"run": trace.run[-MAX_LABEL_VALUE:]} | query.labels for trace in traces]
