"""The unit that reads a log and judges every run in it; it needs no torch."""

import io
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gradhealth.detectors.tuned import Thresholds
from gradhealth.ingest import IngestLimits, LogMapping, read_log
from gradhealth.logs.results import judge_log
from gradhealth.schemas.trace import Trace
from gradhealth.traces import pack_traces


def judge(
    arguments: Mapping[str, Any], report: Callable[[int, int], None]
) -> list[dict[str, str]]:
    """The name, the result and the numbers of each run, in the log's order.

    Raises:
        IngestError: The log cannot be read.
    """
    limits = IngestLimits(**arguments["limits"])
    traces = read_log(
        _Watched(arguments["content"], report),
        filename=arguments["filename"],
        format_name=arguments["format_name"],
        mapping=LogMapping(**arguments["mapping"]),
        # A training process may write no file: its limit of memory bounds all of it.
        limits=replace(limits, in_memory=limits.bytes),
    )
    return [_judged(trace, arguments["thresholds"]) for trace in traces]


def _judged(trace: Trace, thresholds: Thresholds) -> dict[str, str]:
    return {
        "name": trace.run,
        "result": judge_log(trace, thresholds).model_dump_json(),
        "traces": b64encode(pack_traces([trace])).decode(),
    }


class _Watched(io.BytesIO):
    """Tells in hundredths how much of it was read."""

    def __init__(self, content: bytes, report: Callable[[int, int], None]) -> None:
        super().__init__(content)
        self._size = max(1, len(content))
        self._report = report

    def read1(self, size: int | None = -1, /) -> bytes:
        chunk = super().read1(size)
        self._report(100 * self.tell() // self._size, 100)
        return chunk
