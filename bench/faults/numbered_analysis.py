"""An analysis that sleeps, then leaves its name behind: whatever runs twice is seen."""

import os

from gradhealth.schemas.analysis import Result
from tests.support.scripted_analysis import Outcome

# The environment variable that names the file the names go to.
LOG = "FAULTS_LOG"
SECONDS = 0.3


async def analyse(spec, _options, run_unit, _report):
    """Asks for two units, so that a kill may come between them."""
    await run_unit("sleep", "nap", {"seconds": SECONDS})
    line = {"file": os.environ[LOG], "line": spec["name"]}
    await run_unit("leave the name", "log", line)
    return Outcome(Result(verdict="healthy", summary=spec["name"]), b"")
