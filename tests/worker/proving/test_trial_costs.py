"""What trials cost, what bounds them, and what they tell on their way."""

import asyncio
import math
import time

import pytest

from gradhealth.schemas.analysis import Options, Progress
from gradhealth.schemas.event import TriedFix
from tests.support.scripted_trials import (
    DOCUMENT,
    FAILED,
    NUM_STEPS,
    SEEDS,
    Combiner,
    Units,
    candidate,
    tried,
    verified,
)
from tests.support.traces import traces
from worker.ports import TooLateError
from worker.proving.trials import Baseline, prove


async def test_what_diverges_is_dropped_without_trying_larger_rates():
    units = Units({"wild": None})

    fixes = await tried(units, candidate("wild"))

    screened_out = fixes["wild"].trial.screened_out
    assert math.isnan(screened_out.value)
    assert "not finite" in screened_out.why
    assert {rate for name, _, rate in units.steps if name == "wild"} == {0.1, 0.3, 1.0}


async def test_rates_beyond_a_clearly_worse_one_are_left_out():
    units = Units({"low": {1.0: 0.1, 0.3: 0.9}, "high": {1.0: 0.9, 3.0: 0.9}})

    await tried(units, candidate("low"), candidate("high", "depth"))

    rates = {
        name: {rate for other, _, rate in units.steps if other == name}
        for name in ("low", "high")
    }
    assert rates == {"low": {0.1, 0.3, 1.0}, "high": {0.3, 1.0, 3.0}}


async def test_the_trials_cost_a_bounded_multiple_of_the_diagnosis():
    """18 candidates of which a dozen look good, as for a deep sigmoid network."""
    kinds = ("activation", "normalisation", "residual", "depth", "initialisation")
    candidates = [candidate(f"c{i}", kinds[i % len(kinds)]) for i in range(18)]
    units = Units({c.name: 0.9 for c in candidates})

    fixes = await tried(units, *candidates)

    assert len(verified(fixes)) == 3
    plain = NUM_STEPS * len(SEEDS)
    assert sum(units.steps.values()) <= 7 * plain


async def test_no_two_units_have_the_same_key_and_the_keys_are_the_same_again():
    progress = {"act": 0.9, "norm": {3.0: 0.8}, "skip": 0.3}
    candidates = [candidate("act"), candidate("norm", "normalisation")]
    candidates += [candidate("skip", "residual")]
    first, second = Units(progress), Units(progress)

    await tried(first, *candidates)
    await tried(second, *candidates)

    keys = [key for key, *_ in first.calls]
    assert len(set(keys)) == len(keys)
    assert keys == [key for key, *_ in second.calls]


@pytest.mark.parametrize("num_steps", [1, 3, 5, 20])
async def test_short_trainings_have_short_rungs_and_no_unit_twice(num_steps):
    training = DOCUMENT["training"] | {"steps": num_steps}
    units = Units({"good": 0.9})
    keys = []

    async def run_unit(key, unit, arguments, **_):
        keys.append(key)
        if unit == "train":
            assert 1 <= arguments["steps"] <= num_steps
            arguments |= {"steps": arguments["steps"] * NUM_STEPS // num_steps}
        return await units(key, unit, arguments)

    async def report(_progress):
        pass

    fixes = await prove(
        [candidate("good", spec={**DOCUMENT, "name": "good", "training": training})],
        {**DOCUMENT, "training": training},
        FAILED,
        Combiner(),
        Options(),
        run_unit,
        report,
    )

    assert fixes[0].trial.verified
    assert len(set(keys)) == len(keys)


async def test_without_verification_the_first_few_are_advice():
    units = Units()
    candidates = [candidate(f"c{i}", "depth") for i in range(9)]

    fixes = await tried(units, *candidates, verify_fixes=False)

    assert list(fixes) == ["c0", "c1", "c2", "c3", "c4"]
    assert all(fix.trial is None for fix in fixes.values())
    assert units.calls == []


async def test_no_more_candidates_are_trained_than_asked_for():
    units = Units({"c0": 0.9, "c1": 0.9, "c2": 0.9})
    candidates = [candidate(f"c{i}", kind) for i, kind in enumerate(("depth",) * 3)]

    fixes = await tried(units, *candidates, max_trials=1)

    assert fixes["c0"].trial.verified
    assert units.steps_of("c1") == units.steps_of("c2") == 0
    assert await tried(Units(), *candidates, max_trials=0)


async def test_advice_without_a_spec_is_handed_on():
    advice = candidate("more_data", "data", spec=None)
    alone, beside = Units(), Units({"good": 0.9})

    assert list(await tried(alone, advice)) == ["more_data"]
    fixes = await tried(beside, advice, candidate("good"))

    assert alone.calls == []
    assert list(fixes) == ["good", "more_data"]
    assert fixes["more_data"].spec is None
    assert fixes["more_data"].patch == []


async def test_nothing_to_try_costs_nothing():
    units = Units()

    assert await tried(units) == {}
    assert units.calls == []


async def test_when_the_time_is_up_what_is_known_is_the_answer():
    one_at_a_time = asyncio.Lock()

    class Slow(Units):
        async def __call__(self, key, unit, arguments, *, begin_before):
            async with one_at_a_time:
                if time.monotonic() >= begin_before:
                    raise TooLateError
                if unit == "screen":
                    await asyncio.sleep(0.3)
                return await super().__call__(key, unit, arguments)

    units = Slow({"good": 0.9}, start={"hopeless": {"log10_backward_gain": -9.0}})
    candidates = [candidate("hopeless"), candidate("good", "depth")]

    fixes = await tried(units, *candidates, budget_seconds=0.2)

    assert [unit for _, unit, _ in units.calls] == ["train"] * 3 + ["screen"]
    assert fixes["hopeless"].trial.screened_out.value == -9.0
    assert fixes["good"].trial is None


async def test_progress_is_told_and_never_exceeds_its_total():
    told = []

    async def report(news):
        if isinstance(news, Progress):
            told.append(news)

    units = Units({"good": 0.9, "useless": 0.1})
    candidates = [candidate("good"), candidate("useless", "depth")]
    await prove(candidates, DOCUMENT, FAILED, Combiner(), Options(), units, report)

    assert [progress.done for progress in told] == [*range(1, len(units.calls) + 1)]
    assert all(progress.done <= progress.total for progress in told)
    assert {progress.phase for progress in told} == {"trials"}


async def test_every_trial_is_told_once_the_refuted_ones_as_soon_as_they_are():
    told = []

    async def report(news):
        told.append(news)

    units = Units({"good": 0.9}, start={"hopeless": {"log10_backward_gain": -9.0}})
    candidates = [candidate("good"), candidate("hopeless", "depth")]
    fixes = await prove(
        candidates, DOCUMENT, FAILED, Combiner(), Options(), units, report
    )

    tried = [news for news in told if isinstance(news, TriedFix)]
    assert [each.name for each in tried] == ["hopeless", "good"]
    assert [each for fix in fixes if (each := TriedFix.of(fix))] == tried[::-1]
    assert told.index(tried[0]) < len(told) / 2


def test_the_baseline_is_read_from_the_traces_of_the_diagnosis():
    runs = traces()

    baseline = Baseline.of(runs)

    assert baseline.seeds == tuple(run.context.seed for run in runs)
    assert len(baseline.runs) == len(baseline.log10_gain) == len(runs)
    assert baseline.runs[0].progress > 0.5
