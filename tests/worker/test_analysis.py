"""A whole analysis, from the spec to the result."""

import asyncio

from gradhealth.schemas.analysis import FixSelection, Options
from worker import units
from worker.analysis import analyse


def analysed(spec, **options):
    async def run_unit(_key, unit, arguments, **_):
        return units.run(unit, arguments, lambda *_: None)

    async def report(_):
        pass

    outcome = asyncio.run(analyse(spec, Options(**options), run_unit, report))
    units.forget()
    return outcome.result


def test_a_rate_that_alone_makes_it_learn_is_the_cause():
    spec = {
        "data": {"task": "clusters", "n": 256},
        "model": [
            {"type": "Linear", "out_features": 32},
            {"type": "ReLU"},
            {"type": "Linear", "out_features": 4},
        ],
        "training": {"optimizer": {"type": "SGD", "lr": 0.004}, "steps": 120},
    }

    result = analysed(spec, fixes=FixSelection(allow=["raise_learning_rate"]))

    [fix] = [fix for fix in result.fixes if fix.trial]
    assert fix.trial.verified
    assert result.findings[0].cause.kind == "learning_rate"
    assert "times the rate it learns as it is" in result.findings[0].cause.text
    assert result.findings[0].evidence[-1].statistic == "progress_at_other_rate"
