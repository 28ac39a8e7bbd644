"""The schedule of trials, on units that look their replies up in a table."""

import asyncio
import math
import time

import pytest

from gradhealth.fixes.base import Candidate
from gradhealth.schemas.analysis import FixSelection, Options, Progress
from gradhealth.schemas.event import TriedFix
from tests.support.json_patch import apply
from tests.support.traces import traces
from worker.ports import TooLateError
from worker.proving.contenders import Run
from worker.proving.trials import Baseline, prove

SEEDS = (0, 1, 2)
NUM_STEPS = 200
DOCUMENT = {
    "name": "unfixed",
    "data": {"task": "clusters"},
    "model": [{"type": "Linear", "out_features": 4}],
    "training": {"optimizer": {"type": "SGD", "lr": 0.1}, "steps": NUM_STEPS},
}
FAILED = Baseline(SEEDS, (Run(0.0, 1.4),) * 3, (-12.0,) * 3)
ALL_RATES = (0.1, 0.3, 1.0, 3.0)


class Units:
    """Replies to the units of the trials, and counts what they cost.

    Args:
        progress: Name of a spec to what it reaches, by learning rate or at any of
            them; null: it diverges. Otherwise 0. Half of it is reached at once.
        seed_progress: The same for (name, seed) that differ from it.
        start: Name of a spec to statistics at initialisation that are not healthy.
    """

    def __init__(self, progress=None, *, seed_progress=None, start=None):
        self.progress = progress or {}
        self.seed_progress = seed_progress or {}
        self.start = start or {}
        self.calls = []
        self.steps = {}

    async def __call__(self, key, unit, arguments, **_):
        self.calls.append((key, unit, arguments))
        reply = getattr(self, unit)
        return reply(**arguments)

    def screen(self, spec, seeds):
        healthy = {
            "log10_backward_gain": 0.0,
            "last_hidden_std": 1.0,
            "log10_temporal_gain": 0.0,
            "dead_fraction": 0.0,
            "saturated_fraction": 0.0,
        }
        start = healthy | self.start.get(spec["name"], {})
        return {name: [value] * len(seeds) for name, value in start.items()}

    def train(self, spec, seed, lr_multiplier, steps):
        run = (spec["name"], seed, lr_multiplier)
        self.steps[run] = max(steps, self.steps.get(run, 0))
        reached = self.seed_progress.get(
            (spec["name"], seed), self.progress.get(spec["name"], 0.0)
        )
        if isinstance(reached, dict):
            reached = reached.get(lr_multiplier, 0.0)
        if reached is None:
            return {"progress": None, "loss_last": None, "losses": []}
        so_far = reached * (1 + steps / NUM_STEPS) / 2
        losses = [[0, 1.4], [steps - 1, 1.4 * (1 - so_far)]]
        return {"progress": so_far, "loss_last": losses[1][1], "losses": losses}

    def steps_of(self, name):
        """Steps spent on a spec, those that were continued counted once."""
        return sum(n for (other, *_), n in self.steps.items() if other == name)

    def trained(self, name):
        """The (seed, rate) pairs at which a spec was trained to the end."""
        return {
            (seed, rate)
            for (other, seed, rate), n in self.steps.items()
            if other == name and n == NUM_STEPS
        }


def candidate(name, kind="activation", problem="vanishing_gradient", **fields):
    return Candidate(
        **{
            "name": name,
            "fix": name,
            "problem": problem,
            "kind": kind,
            "title": name,
            "why": "It helps.",
            "spec": {**DOCUMENT, "name": name},
            "snippet": "",
            "size": 1,
        }
        | fields
    )


class Combiner:
    """Combines any two candidates, by their names."""

    def combine(self, first, second):
        return candidate(f"{first.name}+{second.name}", first.kind)


async def tried(units, *candidates, baseline=FAILED, **options):
    """The fixes by name, in their order."""

    async def report(_progress):
        pass

    fixes = await prove(
        candidates, DOCUMENT, baseline, Combiner(), Options(**options), units, report
    )
    return {fix.name: fix for fix in fixes}


def verified(fixes):
    return [name for name, fix in fixes.items() if fix.trial and fix.trial.verified]


async def test_a_fix_that_learns_in_every_seed_is_verified():
    fixes = await tried(Units({"good": 0.9}), candidate("good"))

    trial = fixes["good"].trial
    assert trial.verified
    assert trial.seeds == [0, 1, 2]
    assert trial.lr_multiplier == 1.0
    assert trial.before.progress == 0.0
    assert trial.before.backward_gain == pytest.approx(1e-12)
    assert trial.after.progress == pytest.approx(0.9)
    assert trial.after.backward_gain == 1.0
    assert trial.gain == pytest.approx(0.9)


async def test_two_fixes_are_combined_where_neither_suffices():
    units = Units({"one": 0.3, "two": 0.3, "one+two": 0.9})

    fixes = await tried(units, candidate("one"), candidate("two", "normalisation"))

    assert verified(fixes) == ["one+two"]
    assert fixes["one+two"].trial.gain == pytest.approx(0.9)


async def test_nothing_is_combined_where_one_fix_suffices():
    units = Units({"one": 0.9, "two": 0.3})

    fixes = await tried(units, candidate("one"), candidate("two", "normalisation"))

    assert set(fixes) == {"one", "two"}


async def test_a_useless_fix_is_refuted_by_the_first_seed():
    units = Units({"useless": 0.1})

    fixes = await tried(units, candidate("useless"))

    assert not fixes["useless"].trial.verified
    assert fixes["useless"].trial.seeds == [0]
    assert {seed for seed, _ in units.trained("useless")} == {0}


async def test_a_fix_is_proved_at_its_own_learning_rate_which_is_part_of_it():
    units = Units({"good": {0.3: 0.9, 0.1: 0.6}})

    fixes = await tried(units, candidate("good"))

    fix = fixes["good"]
    assert fix.trial.verified
    assert fix.trial.lr_multiplier == 0.3
    assert fix.spec["training"]["optimizer"] == {"type": "SGD", "lr": 0.03}
    assert "0.03" in fix.why
    assert apply(DOCUMENT, fix.patch) == fix.spec


async def test_a_rate_that_leads_early_and_loses_late_is_given_up():
    class Treacherous(Units):
        def train(self, spec, seed, lr_multiplier, steps):
            reply = super().train(spec, seed, lr_multiplier, steps)
            if spec["name"] == "good" and lr_multiplier == 3 and steps == NUM_STEPS:
                return {"progress": None, "loss_last": None, "losses": []}
            return reply

    units = Treacherous({"good": {1.0: 0.8, 3.0: 0.95}})

    fixes = await tried(units, candidate("good"))

    assert fixes["good"].trial.verified
    assert fixes["good"].trial.lr_multiplier == 1.0


async def test_one_seed_that_fails_refutes_the_fix():
    units = Units({"lucky": 0.9}, seed_progress={("lucky", 2): 0.1})

    fixes = await tried(units, candidate("lucky"))

    assert not fixes["lucky"].trial.verified
    assert fixes["lucky"].trial.seeds == [0, 1, 2]


async def test_one_seed_that_diverges_refutes_the_fix():
    units = Units({"lucky": 0.9}, seed_progress={("lucky", 2): None})

    fixes = await tried(units, candidate("lucky"))

    assert not fixes["lucky"].trial.verified
    assert fixes["lucky"].trial.after.progress is None
    assert fixes["lucky"].trial.gain is None


async def test_a_gain_within_the_spread_over_the_seeds_proves_nothing():
    spread = Baseline(SEEDS, (Run(0.3, 1.0), Run(0.5, 0.7), Run(0.7, 0.4)), (0.0,) * 3)

    fixes = await tried(
        Units({"unfixed": 0.3, "slight": 0.6}), candidate("slight"), baseline=spread
    )

    assert fixes["slight"].trial.before.progress == pytest.approx(0.5)
    assert fixes["slight"].trial.gain == pytest.approx(0.1)
    assert not fixes["slight"].trial.verified


async def test_any_gain_counts_where_the_unfixed_spec_diverges():
    diverged = Baseline(SEEDS, (Run(None, None),) * 3, (6.0,) * 3)

    fixes = await tried(
        Units({"unfixed": None, "good": 0.9}), candidate("good"), baseline=diverged
    )

    assert fixes["good"].trial.verified
    assert fixes["good"].trial.before.progress is None
    assert fixes["good"].trial.gain is None


async def test_the_unfixed_spec_gets_the_same_sweep():
    units = Units({"good": 0.9})

    await tried(units, candidate("good"))

    assert units.trained("unfixed") == {(0, 0.3), (0, 0.1), (0, 3.0)}


async def test_a_learning_rate_that_cures_by_itself_is_the_fix():
    units = Units({"unfixed": {0.1: 0.98}, "good": 0.99})

    fixes = await tried(units, candidate("good"))

    fix = fixes["change_learning_rate"]
    assert list(fixes) == ["change_learning_rate", "good"]
    assert fix.trial.verified
    assert fix.trial.before.progress == 0.0
    assert fix.trial.after.progress == pytest.approx(0.98)
    assert fix.spec["training"]["optimizer"]["lr"] == 0.01
    assert fixes["good"].trial is None
    assert units.steps_of("good") == 0


async def test_other_fixes_have_to_beat_the_retuned_spec():
    units = Units({"unfixed": {3.0: 0.7}, "better": 0.95, "worse": 0.72})

    fixes = await tried(units, candidate("better"), candidate("worse", "depth"))

    assert verified(fixes) == ["change_learning_rate", "better"]
    assert fixes["better"].trial.before.progress == pytest.approx(0.7)
    assert fixes["better"].trial.gain == pytest.approx(0.25)


async def test_a_better_rate_that_does_not_cure_is_what_fixes_are_compared_with():
    units = Units({"unfixed": {3.0: 0.3}, "good": 0.9})

    fixes = await tried(units, candidate("good"))

    assert list(fixes) == ["good"]
    assert fixes["good"].trial.before.progress == pytest.approx(0.3)
    assert {seed for seed, _ in units.trained("unfixed")} == {0}


async def test_the_learning_rate_is_not_offered_where_it_is_denied():
    fixes = await tried(
        Units({"unfixed": {3.0: 0.7}}),
        candidate("useless"),
        fixes=FixSelection(deny=["change_learning_rate"]),
    )

    assert list(fixes) == ["useless"]


@pytest.mark.parametrize(
    ("problem", "start", "statistic", "value", "threshold"),
    [
        (
            "vanishing_gradient",
            {"log10_backward_gain": -4.0},
            "log10_backward_gain",
            -4.0,
            -3.0,
        ),
        (
            "exploding_gradient",
            {"log10_backward_gain": 5.0},
            "log10_backward_gain",
            5.0,
            3.0,
        ),
        (
            "vanishing_gradient",
            {"last_hidden_std": 1e-3},
            "last_hidden_std",
            1e-3,
            0.002,
        ),
        (
            "temporal_vanishing_gradient",
            {"log10_temporal_gain": -9.0},
            "log10_temporal_gain",
            -9.0,
            -3.0,
        ),
        ("dead_relu", {"dead_fraction": 1.0}, "dead_fraction", 1.0, 0.9),
        (
            "saturated_activation",
            {"saturated_fraction": 0.8},
            "saturated_fraction",
            0.8,
            0.5,
        ),
    ],
)
async def test_what_cannot_work_is_screened_out_with_a_number(
    problem, start, statistic, value, threshold
):
    units = Units({"hopeless": 0.9}, start={"hopeless": start})

    fixes = await tried(units, candidate("hopeless", problem=problem))

    trial = fixes["hopeless"].trial
    assert not trial.verified
    assert trial.screened_out.statistic == statistic
    assert (trial.screened_out.value, trial.screened_out.threshold) == (
        value,
        threshold,
    )
    assert units.steps_of("hopeless") == 0


async def test_a_start_that_is_no_number_is_screened_out():
    units = Units(start={"hopeless": {"log10_backward_gain": None}})

    fixes = await tried(units, candidate("hopeless"))

    assert math.isnan(fixes["hopeless"].trial.screened_out.value)


async def test_gates_are_for_their_own_problem_only():
    units = Units({"good": 0.9}, start={"good": {"log10_backward_gain": -9.0}})

    fixes = await tried(units, candidate("good", problem="stalled_training"))

    assert verified(fixes) == ["good"]


async def test_a_small_gradient_is_no_objection_to_adam():
    adam = {"optimizer": {"type": "Adam", "lr": 0.001}, "steps": NUM_STEPS}
    small = {"log10_backward_gain": -6.0, "last_hidden_std": 1e-5}
    units = Units({"adam": 0.9}, start={"adam": small})

    spec = {**DOCUMENT, "name": "adam", "training": adam}
    fixes = await tried(units, candidate("adam", "optimizer", spec=spec))

    assert verified(fixes) == ["adam"]


async def test_the_best_of_each_kind_is_proved():
    progress = {f"act{i}": 0.9 for i in range(4)} | {"norm": 0.8, "skip": 0.7}
    candidates = [candidate(f"act{i}") for i in range(4)]
    candidates += [candidate("norm", "normalisation"), candidate("skip", "residual")]

    fixes = await tried(Units(progress), *candidates)

    assert verified(fixes) == ["act0", "norm", "skip"]
    dropped = fixes["act3"].trial
    assert dropped.seeds == [0]
    assert dropped.screened_out.statistic == "progress"
    assert dropped.screened_out.value == pytest.approx(0.9 * (1 + 1 / 8) / 2)
    assert "25 steps" in dropped.screened_out.why
    assert "75 steps" in fixes["act1"].trial.screened_out.why


async def test_proved_fixes_come_first_then_those_that_came_furthest():
    units = Units(
        {"small": 0.6, "large": 0.9, "useless": 0.1},
        start={"hopeless": {"log10_backward_gain": -9.0}},
    )

    fixes = await tried(
        units,
        candidate("hopeless", "clipping"),
        candidate("useless", "depth"),
        candidate("small", "residual"),
        candidate("large", "normalisation"),
    )

    assert list(fixes) == ["large", "small", "useless", "hopeless"]


async def test_of_equal_gains_the_smaller_change_stands_first():
    units = Units({"large": 0.901, "small": 0.9})

    fixes = await tried(
        units, candidate("large", size=5), candidate("small", "depth", size=1)
    )

    assert list(fixes) == ["small", "large"]


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
