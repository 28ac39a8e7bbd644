import pytest

from gradhealth.recorder.governor import Costs, Governor


def governor(budget=0.01, **how):
    return Governor(budget, **({"norm_every": 1, "sample_every": 50} | how))


def costs(*, step=0.1, norm=1e-4, sample=1e-3, other=1e-6):
    return Costs([step] * 50, [norm] * 50, [sample], [other] * 50)


def taken(its_governor, num_steps=200):
    """Steps with norms, and steps with everything."""
    steps = range(num_steps)
    return (
        [step for step in steps if its_governor.takes_norms(step)],
        [step for step in steps if its_governor.takes_sample(step)],
    )


def test_norms_are_taken_each_step_and_samples_at_first_and_each_fiftieth():
    norms, samples = taken(governor())

    assert norms == list(range(200))
    assert samples == [*range(10), 50, 100, 150]


def test_within_the_budget_nothing_changes():
    ours = governor()

    assert ours.adjust(costs()) is None
    assert taken(ours) == taken(governor())


def test_dear_norms_are_taken_less_often_and_it_says_so():
    ours = governor()

    note = ours.adjust(costs(norm=3e-3))

    assert note == (
        "norms each 4th step, everything else each 50th: they take 3 and 1 ms, a step "
        "100 ms, and the budget is 0.01 of it"
    )
    norms, samples = taken(ours)
    assert norms[10:14] == [12, 16, 20, 24]
    assert set(samples) <= set(norms)


def test_dear_samples_are_taken_less_often():
    ours = governor()

    assert "everything else each 75th" in ours.adjust(costs(sample=0.035))


def test_times_that_come_down_bring_the_measurements_back():
    ours = governor()
    ours.adjust(costs(norm=3e-3))

    assert ours.adjust(costs()).startswith("norms each 1st step")


def test_one_slow_moment_changes_nothing():
    ours = governor()
    slow = costs()
    slow.norms[7], slow.steps[3] = 0.5, 9.0

    assert ours.adjust(slow) is None


def test_hooks_alone_may_not_crowd_out_the_norms():
    ours = governor()

    ours.adjust(costs(step=1e-3, norm=1e-4, sample=1e-4, other=2e-5))

    assert ours.norm_every <= 50


@pytest.mark.parametrize("norm", [1e-6, 1.0])
def test_without_a_budget_nothing_is_left_out(norm):
    ours = governor(budget=None)

    assert ours.adjust(costs(norm=norm)) is None


def test_what_the_user_wants_less_often_stays_so():
    ours = governor(norm_every=7)

    assert ours.adjust(costs()) is None
    assert taken(ours, 30)[0] == [*range(10), 14, 21, 28]
