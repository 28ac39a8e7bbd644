"""The analysis of a log from its bytes to the results of its runs.

Reading is done in a training process: what somebody sent is parsed where it can do no
harm, and where a limit of time or memory costs that one attempt.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gradhealth.exceptions import OutOfMemoryError
from gradhealth.schemas.analysis import Options, Progress, Result
from storage.uploads.readings import ReadRun, StoredLog

from ..ports import Report, RunUnit

TOO_LARGE = (
    "reading the log needed more memory than it may use; send fewer steps, columns or "
    "files, or raise GRADHEALTH_CHILD_MEMORY_MB"
)


async def analyse_log(
    log: StoredLog,
    limits: Mapping[str, Any],
    options: Options,
    run_unit: RunUnit,
    report: Report,
) -> list[ReadRun]:
    """Reads a log and judges the runs in it, at least one.

    Args:
        log: As it was sent.
        limits: The fields of `IngestLimits`, as whoever accepted the log has them.
        options: By which thresholds it is judged.
        run_unit: Carries out a unit; see `RunUnit`.
        report: Told how far it is, and what was found in the first run.

    Raises:
        IngestError: It cannot be read.
        OutOfMemoryError: It is too large.
    """
    await report(Progress(phase="reading"))
    arguments = {
        "content": log.content,
        "filename": log.upload.filename,
        "format_name": log.upload.format_name,
        "mapping": asdict(log.upload.mapping),
        "limits": dict(limits),
        "thresholds": options.thresholds,
    }
    try:
        reply = await run_unit("judge_log", "judge_log", arguments)
    except OutOfMemoryError as error:
        raise OutOfMemoryError(TOO_LARGE) from error
    runs = [
        ReadRun(
            run["name"],
            Result.model_validate_json(run["result"]),
            b64decode(run["traces"]),
        )
        for run in reply
    ]
    for finding in runs[0].result.findings:
        await report(finding)
    return runs
