"""An analysis that naps, then leaves its name in the file `GRADHEALTH_NAMES_FILE`."""

import os

from gradhealth.schemas.analysis import Result
from tests.support.scripted_analysis import Outcome

NAP_SECONDS = 0.2


async def analyse(spec, _options, run_unit, _report):
    line = {"file": os.environ["GRADHEALTH_NAMES_FILE"], "line": spec["name"]}
    await run_unit("0-nap", "nap", {"seconds": NAP_SECONDS})
    await run_unit("1-log", "log", line)
    return Outcome(Result(verdict="healthy", summary="done"), b"trace")
