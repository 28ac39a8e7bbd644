"""An analysis that runs the units its spec lists: {"units": [[name, arguments]]}.

With {"at_once": true} it asks for all of them at once.
"""

import asyncio
from dataclasses import dataclass

from gradhealth.schemas.analysis import Progress, Result


@dataclass(frozen=True)
class Outcome:
    result: Result
    traces: bytes


async def analyse(spec, options, run_unit, report):
    replies = []
    if spec.get("at_once"):
        replies = await asyncio.gather(
            *(
                run_unit(f"{index}-{unit}", unit, arguments)
                for index, (unit, arguments) in enumerate(spec["units"])
            )
        )
    else:
        for index, (unit, arguments) in enumerate(spec["units"]):
            await report(Progress(phase=unit))
            replies.append(await run_unit(f"{index}-{unit}", unit, arguments))
    notes = [str(reply) for reply in replies]
    return Outcome(Result(verdict="healthy", summary="done", notes=notes), b"trace")
