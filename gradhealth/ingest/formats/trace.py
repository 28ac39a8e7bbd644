"""Our own: traces as JSON, and what the recorder writes line by line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ...batches.batch import Batch
from ...batches.keeping import KeptBatches
from ...exceptions import InvalidDocumentError
from ...schemas.trace import Trace
from ...traces import parse_trace
from ..exceptions import IngestError
from ..files import LogFile
from ..limits import IngestLimits
from ..lines import json_rows
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, LogFormat

_VERSION = "trace_version"


class TraceLog(LogFormat):
    """One trace, a list of them, or a header and batches of one as lines."""

    name: ClassVar[str] = "trace"
    title: ClassVar[str] = "gradhealth traces and recordings"

    def recognise(self, sample: Sample) -> Certainty:
        first = sample.rows[0] if sample.rows else sample.document
        if isinstance(first, list) and first:
            first = first[0]
        is_ours = isinstance(first, dict) and _VERSION in first
        return Certainty.CERTAIN if is_ours else Certainty.NO

    def read(
        self, files: Sequence[LogFile], mapping: LogMapping, limits: IngestLimits
    ) -> list[Trace]:
        if mapping.names or mapping.layers:
            raise IngestError("a trace has names of its own: leave the mapping out")
        try:
            return [trace for file in files for trace in _traces(file, limits)]
        except InvalidDocumentError as error:
            raise IngestError.of(error) from error


def _traces(file: LogFile, limits: IngestLimits) -> Iterator[Trace]:
    sample = Sample.of(file)
    first = sample.rows[0] if sample.rows else sample.document
    if isinstance(first, dict) and "steps" not in first:
        rows = json_rows(file)
        _, header = next(rows)
        yield _recording(header, rows, file, limits)
        return
    document = file.json()
    if isinstance(document, list):
        for index, each in enumerate(document):
            yield parse_trace(each, f"/{index}")
    else:
        yield parse_trace(document)


def _recording(
    header: Mapping[str, Any],
    lines: Iterator[tuple[str, dict[str, Any]]],
    file: LogFile,
    limits: IngestLimits,
) -> Trace:
    empty = parse_trace({**header, "steps": []})
    kept = KeptBatches(limits.cells)
    last_step = -1
    for place, document in lines:
        sequence = document.pop("sequence", 0)
        try:
            part = parse_trace({**header, **document})
        except InvalidDocumentError as error:
            raise IngestError(f"{place}: {error}") from error
        if len(part.steps) and part.steps[0] <= last_step:
            raise IngestError(
                f"{place}: its steps are not after those before, step {last_step}"
            )
        last_step = int(part.steps[-1]) if len(part.steps) else last_step
        kept.add(Batch(sequence, part.steps, part.series, part.layer_series))
    whole = kept.merged()
    thinned = ["a long run: not every step was kept"] * kept.is_thinned
    notes = [*empty.context.notes, *file.notes, *thinned]
    return Trace(
        run=empty.run,
        layers=empty.layers,
        steps=whole.steps,
        series=whole.series,
        layer_series=whole.layer_series,
        context=empty.context.model_copy(update={"notes": notes}),
    )
