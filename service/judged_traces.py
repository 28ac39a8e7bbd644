"""Judges traces and keeps them: no worker is needed for that."""

import asyncio
import json
import zlib

from gradhealth.log_results import judge_log
from gradhealth.schemas.analysis import Analysis
from gradhealth.schemas.trace import Trace
from storage.analyses import AnalysisStore
from storage.records import NewAnalysis


async def keep_judged(store: AnalysisStore, new: NewAnalysis, trace: Trace) -> Analysis:
    """The finished analysis of a trace, stored with its numbers.

    Args:
        store: Where it is kept.
        new: What was asked for, the thresholds among it.
        trace: The run, checked.

    Raises:
        IdempotencyConflictError: The key was used for another request.
    """
    # Numbers by the million: other requests are served meanwhile.
    result = await asyncio.to_thread(judge_log, trace, new.options.thresholds)
    chunk = await asyncio.to_thread(_compressed, trace)
    return await store.create_finished(new, result, chunk)


def _compressed(trace: Trace) -> bytes:
    """As a worker keeps its traces: compressed JSON, a list of them."""
    return zlib.compress(json.dumps([trace.to_json()]).encode())
