"""What is left out before anything is trained."""

import math

import pytest

from tests.support.scripted_trials import (
    DOCUMENT,
    NUM_STEPS,
    Units,
    candidate,
    tried,
    verified,
)


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
