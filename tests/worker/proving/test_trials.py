"""Which fixes the trials prove, refute and combine, and their order."""

import pytest

from gradhealth.schemas.analysis import FixSelection
from tests.support.json_patch import apply
from tests.support.scripted_trials import (
    DOCUMENT,
    NUM_STEPS,
    SEEDS,
    Units,
    candidate,
    tried,
    verified,
)
from worker.proving.contenders import Run
from worker.proving.trials import Baseline


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
