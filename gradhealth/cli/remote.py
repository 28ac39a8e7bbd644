"""Analyses by a service."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gradhealth.client import Client, RefusedError, ShownAnalysis
from gradhealth.exceptions import (
    InvalidDocumentError,
    JobError,
    Problem,
    TimeLimitError,
)
from gradhealth.gate.pipelines import MAX_VALUE
from gradhealth.ingest import IngestError, LogTooLargeError
from gradhealth.schemas.analysis import (
    FINAL,
    Analysis,
    Options,
    Result,
    TraceOptions,
)

from .analyst import OnProgress
from .documents import read_document
from .run_results import LogReading, RunResult

DEFAULT_PROJECT = "default"
# What a service may take to read the largest log, where nobody is in a hurry.
LOG_SECONDS = 300.0
# What a log is refused for, also where a worker does it later.
_NO_LOG = {IngestError.code, LogTooLargeError.code}
NO_LABELS: Mapping[str, str] = {}


class RemoteAnalyst:
    """Submits specs and logs to a service, and follows what takes long.

    Args:
        client: A client of the service.
        project: Where the analyses belong.
        labels: To find them by; the file's name is added.
    """

    def __init__(
        self,
        client: Client,
        *,
        project: str = DEFAULT_PROJECT,
        labels: Mapping[str, str] = NO_LABELS,
    ) -> None:
        self._client = client
        self._project = project
        self._labels = labels

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def analyse(
        self,
        spec: dict[str, Any],
        options: Options,
        on_progress: OnProgress,
        *,
        seconds: float | None = None,
    ) -> Result:
        """See `Analyst`."""
        give_up_at = float("inf") if seconds is None else time.monotonic() + seconds
        submitted = self._submit(spec, options)
        with self._cancelled_on_error(submitted.id):
            for analysis in self._client.follow(submitted.id):
                if analysis.status in FINAL:
                    return _result(analysis)
                on_progress(analysis.progress)
                if time.monotonic() > give_up_at:
                    break
            raise TimeLimitError(f"not finished after {seconds:.3g} s")

    def judge_log(
        self,
        path: Path,
        reading: LogReading,
        options: Options,
        *,
        seconds: float | None = None,
    ) -> list[RunResult]:
        """See `Analyst`."""
        content = read_document(path).content
        with _pointing_into_the_file():
            analyses = self._client.submit_log(
                content,
                options=TraceOptions(
                    thresholds=options.thresholds, source=options.source
                ),
                wait_seconds=LOG_SECONDS if seconds is None else seconds,
                format=reading.format_name,
                map=reading.mapping,
                layers=reading.layers,
                project=self._project,
                labels={**self._labels, **_label_of_file(options)},
            )
            if analyses[0].status not in FINAL:
                analyses = self._read_by_a_worker(analyses[0].id, seconds)
        return [
            RunResult(each.labels.get("run", ""), _result(each)) for each in analyses
        ]

    def _read_by_a_worker(
        self, analysis_id: str, seconds: float | None
    ) -> list[ShownAnalysis]:
        with self._cancelled_on_error(analysis_id):
            analysis = self._client.wait(
                analysis_id, seconds=float("inf") if seconds is None else seconds
            )
            if analysis.status not in FINAL:
                raise TimeLimitError(f"not finished after {seconds:.3g} s")
        if analysis.error is not None and analysis.error.code in _NO_LOG:
            raise IngestError(analysis.error.message)
        return self._client.runs_in_file(analysis_id)

    def _submit(self, spec: dict[str, Any], options: Options) -> Analysis:
        with _pointing_into_the_file():
            return self._client.submit(
                spec,
                options=options,
                project=self._project,
                labels={**self._labels, **_label_of_file(options)},
            )

    @contextmanager
    def _cancelled_on_error(self, analysis_id: str) -> Iterator[None]:
        # Nobody waits for it any longer: leave the worker to others.
        try:
            yield
        except (TimeLimitError, KeyboardInterrupt):
            self._client.cancel(analysis_id)
            raise


@contextmanager
def _pointing_into_the_file() -> Iterator[None]:
    """Mistakes in what was sent are the file's."""
    try:
        yield
    except RefusedError as error:
        if error.status == HTTPStatus.UNPROCESSABLE_ENTITY and error.problems:
            raise InvalidDocumentError(
                [
                    Problem(each.pointer.removeprefix("/spec"), each.message)
                    for each in error.problems
                ]
            ) from error
        raise


def _label_of_file(options: Options) -> dict[str, str]:
    path = options.source.path if options.source else None
    # The end of a long path tells more.
    return {"file": path[-MAX_VALUE:]} if path else {}


def _result(analysis: Analysis) -> Result:
    if analysis.result is not None:
        return analysis.result
    if analysis.error is not None:
        raise JobError(analysis.error.message)
    raise JobError(f"the analysis was {analysis.status}")
