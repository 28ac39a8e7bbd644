"""Judges traces: no worker is needed for that."""

import asyncio

from gradhealth.detectors.tuned import DEFAULTS, Thresholds
from gradhealth.logs.results import judge_log
from gradhealth.schemas.analysis import Result
from gradhealth.schemas.trace import Trace
from gradhealth.traces import pack_traces


async def judged(
    trace: Trace, thresholds: Thresholds = DEFAULTS
) -> tuple[Result, bytes]:
    """The result of a trace, and its numbers as they are stored.

    Args:
        trace: The run, checked.
        thresholds: Values in place of the detectors' own.
    """
    # Numbers by the million: other requests are served meanwhile.
    result = await asyncio.to_thread(judge_log, trace, thresholds)
    return result, await asyncio.to_thread(pack_traces, [trace])
