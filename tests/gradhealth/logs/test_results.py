"""The answer about a log, from a trace to a result."""

import tracemalloc

import numpy as np
import pytest

from gradhealth.logs.results import judge_log
from tests.support.logs import a_log, by_depth, falling

CHANCE = np.random.default_rng(0)


def test_a_run_that_learns_is_healthy():
    result = judge_log(a_log())

    assert (result.verdict, result.primary, result.findings) == ("healthy", None, [])


def test_too_few_points_say_what_would_be_needed():
    result = judge_log(a_log(loss=[2.3, 2.2], grad_norm=[1.0, 1.0]))

    assert result.verdict == "insufficient_data"
    assert "10 losses" in result.summary


def test_one_row_of_healthy_layers_is_not_enough_to_call_a_run_healthy():
    for num_rows in (1, 9):
        norms = by_depth(CHANCE, 0.9, num_steps=num_rows)
        result = judge_log(a_log(loss=None, grad_norm=None, layer_norms=norms))

        assert result.verdict == "insufficient_data"
        assert f"gradient norms: {num_rows}" in result.summary


def test_one_row_shows_that_a_gradient_vanishes_with_depth():
    norms = by_depth(CHANCE, 0.2, num_steps=1)

    result = judge_log(a_log(loss=None, grad_norm=None, layer_norms=norms))

    assert (result.verdict, result.primary) == ("warning", "vanishing_gradient")


def test_ten_rows_of_healthy_layers_are_judged():
    norms = by_depth(CHANCE, 0.9, num_steps=10)

    result = judge_log(a_log(loss=None, grad_norm=[1.0], layer_norms=norms))

    assert result.verdict == "healthy"


def test_nothing_logged_is_insufficient_data():
    assert judge_log(a_log(loss=None, grad_norm=None)).verdict == "insufficient_data"


def test_curves_and_layers_are_those_of_the_log():
    norms = by_depth(CHANCE, 0.9)
    result = judge_log(a_log(layer_norms=norms))

    assert result.curves["loss"].steps[-1] == 399
    assert result.layers[0].grad_norm.start.mean == norms[0, 0]
    assert result.layers[0].grad_norm.end.mean == norms[-1, 0]
    assert result.layer_curves["grad_norm"].layers[0] == "layers.0"


def test_a_long_run_is_judged_as_a_short_one():
    short = judge_log(a_log(loss=falling(CHANCE, num_steps=500), grad_norm=None))
    long = judge_log(a_log(loss=falling(CHANCE, num_steps=50_000), grad_norm=None))

    assert short.verdict == long.verdict == "healthy"
    assert len(long.curves["loss"].steps) <= 512


def test_the_memory_for_a_trend_over_depth_does_not_grow_with_its_pairs():
    log = a_log(layer_norms=by_depth(CHANCE, 0.995, num_layers=5_000, num_steps=20))

    tracemalloc.start()
    result = judge_log(log)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [each.problem for each in result.findings] == ["vanishing_gradient"]
    assert peak < 100 * 2**20


def test_gradients_that_are_exactly_0_are_no_healthy_run():
    loss = 1.5 + 0.15 * np.random.default_rng(0).standard_normal(100)

    result = judge_log(a_log(loss=loss, grad_norm=[0.0] * 100))

    assert (result.verdict, result.primary) == ("warning", "vanishing_gradient")
    assert "exactly 0" in result.summary


def test_a_run_that_ends_with_gradients_of_0_says_from_where():
    loss = 1.5 + 0.15 * np.random.default_rng(0).standard_normal(100)

    result = judge_log(a_log(loss=loss, grad_norm=[*[1.0] * 60, *[0.0] * 40]))

    zero = next(f for f in result.findings if f.problem == "vanishing_gradient")
    assert zero.step == 60


def test_single_gradients_of_0_are_nothing():
    norms = [float(n % 3) for n in range(400)]

    assert judge_log(a_log(grad_norm=norms)).findings == []


def test_a_norm_of_0_beside_a_loss_that_falls_does_no_harm():
    result = judge_log(a_log(grad_norm=[0.0] * 400))

    assert result.verdict == "healthy"
    assert "without harm so far: vanishing gradient" in result.summary


def test_a_limit_that_cut_every_step_is_raised_tenfold():
    loss = np.full(400, 1.386) + 0.001 * np.random.default_rng(0).standard_normal(400)
    log = a_log(
        loss=loss,
        grad_norm=np.full(400, 0.01),
        trivial_loss=1.386,
        clip_max_norm=0.01,
        clip_measured="post",
    )

    titles = [fix.title for fix in judge_log(log).fixes]

    assert any("Raise the limit to 0.1," in title for title in titles)


def test_equal_norms_from_before_clipping_are_no_sign_of_a_limit():
    findings = judge_log(a_log(grad_norm=[1.0] * 400, clip_measured="pre")).findings

    assert findings == []


def at_chance(update_ratio):
    """A run that learns nothing, whose updates were measured on every 50th step."""
    measured = [
        [update_ratio * 2**layer if step % 50 == 0 else None for layer in range(3)]
        for step in range(400)
    ]
    loss = 1.386 + 0.001 * np.random.default_rng(0).standard_normal(400)
    return a_log(loss=loss, layer_series={"update_ratio": measured}, trivial_loss=1.386)


def test_steps_without_a_measured_update_do_not_pass_for_a_rate_that_is_too_low():
    [finding] = judge_log(at_chance(1e-2)).findings

    assert finding.problem == "stalled_training"
    assert "the rate is too low" not in finding.cause.text


def coming_down(start, end, num_steps):
    """A loss that is flat after so many of 200 steps."""
    noise = 0.008 * np.random.default_rng(0).standard_normal(200)
    return np.maximum(end, start - (start - end) * np.arange(200) / num_steps) + noise


@pytest.mark.parametrize(
    ("start", "end"), [(2.303, 1.80), (2.303, 1.95), (1.386, 1.10), (6.9, 5.30)]
)
def test_what_came_down_clearly_is_not_at_the_chance_of_fewer_classes(start, end):
    result = judge_log(a_log(loss=coming_down(start, end, 30)))

    assert (result.verdict, result.findings) == ("healthy", [])


def test_what_comes_down_at_once_but_only_near_a_chance_level_has_learned():
    result = judge_log(a_log(loss=coming_down(2.303, 1.80, 3)))

    assert (result.verdict, result.findings) == ("healthy", [])


def test_a_bad_start_that_is_undone_at_once_ends_at_chance():
    result = judge_log(a_log(loss=coming_down(3.1, np.log(10), 3)))

    assert (result.verdict, result.primary) == ("warning", "stalled_training")
    assert "log 10" in result.summary


def test_a_loss_that_hardly_came_down_to_near_chance_is_at_chance():
    result = judge_log(a_log(loss=coming_down(2.4, 2.308, 30)))

    assert (result.verdict, result.primary) == ("critical", "stalled_training")


def test_ups_and_downs_of_a_thousandth_at_chance_are_a_stall_and_no_divergence():
    """Without noise, as the losses of a full batch are."""
    ups_and_downs = [2.31, 2.306, *(2.303 + 0.01 * (n % 3) for n in range(100))]

    result = judge_log(a_log(loss=ups_and_downs, grad_norm=None, trivial_loss=2.303))

    assert [each.problem for each in result.findings] == ["stalled_training"]


def test_a_rise_of_a_tenth_without_noise_is_a_divergence():
    loss = [*np.linspace(2.3, 1.0, 100), *np.linspace(1.0, 1.6, 100)]

    assert judge_log(a_log(loss=loss, grad_norm=None)).primary == "divergence"


def test_a_small_loss_that_was_rounded_is_not_frozen():
    """As the entries of a fine-tuning that are rounded to four digits."""
    loss = [max(round(2 * float(np.exp(-n / 6)), 4), 0.0012) for n in range(60)]

    assert judge_log(a_log(loss=loss, grad_norm=None)).verdict == "healthy"


def test_a_loss_that_is_stuck_at_one_number_is_frozen():
    loss = [max(round(2 * float(np.exp(-n / 6)), 4), 0.7312) for n in range(60)]

    assert judge_log(a_log(loss=loss, grad_norm=None)).primary == "stalled_training"


def test_updates_that_move_nothing_are_told():
    [finding] = judge_log(at_chance(1e-9)).findings

    assert "An update is 4e-09 of the weights" in finding.cause.text
    assert finding.cause.kind == "learning_rate"


def with_zeros(columns, *, first_row=0):
    """Norms of six layers, of which some are 0 from a row on."""
    norms = by_depth(np.random.default_rng(0), 0.9)
    norms[first_row:, columns] = 0.0
    return norms


def test_a_layer_without_gradient_is_named_and_no_alarm_while_the_run_learns():
    result = judge_log(a_log(layer_norms=with_zeros([2])))

    [finding] = result.findings
    assert (result.verdict, finding.problem) == ("healthy", "no_gradient")
    assert (finding.severity, finding.step) == ("info", None)
    assert finding.layers == ["layers.2"]
    assert "without harm so far: no gradient" in result.summary


def test_a_layer_without_gradient_is_a_warning_in_a_run_at_chance():
    loss = 2.303 + 0.002 * np.random.default_rng(0).standard_normal(400)

    result = judge_log(a_log(loss=loss, layer_norms=with_zeros([0, 1])))

    found = {each.problem: each for each in result.findings}
    assert found["no_gradient"].severity == "warning"
    assert found["no_gradient"].layers == ["layers.0", "layers.1"]
    assert result.primary == "stalled_training"


def test_a_layer_that_loses_its_gradient_says_from_where():
    [finding] = judge_log(a_log(layer_norms=with_zeros([2], first_row=200))).findings

    assert finding.problem == "no_gradient"
    assert 190 <= finding.step <= 201


def test_single_zeros_of_a_layer_are_nothing():
    norms = with_zeros([])
    norms[::2, 2] = 0.0

    assert judge_log(a_log(layer_norms=norms)).findings == []


def test_a_layer_that_was_not_measured_is_nothing():
    norms = np.where(np.arange(6) == 2, np.nan, with_zeros([])).astype(object)
    norms[:, 2] = None

    assert judge_log(a_log(layer_norms=norms)).findings == []


def vanishing_from(row, factor=0.2):
    """Norms of six layers that are alike, and from a row on are not."""
    norms = by_depth(np.random.default_rng(0), 1.0)
    norms[row:] *= factor ** np.arange(5, -1, -1)
    return norms


def stopping_at(row):
    """A loss that comes down from 2.3 to 1.1 and stays there."""
    noise = 0.01 * np.random.default_rng(1).standard_normal(400)
    return np.interp(np.arange(400), [0, row], [2.3, 1.1]) + noise


def test_a_gradient_that_vanishes_in_the_middle_of_a_run_stops_it():
    log = a_log(loss=stopping_at(200), grad_norm=None, layer_norms=vanishing_from(200))

    result = judge_log(log)

    [finding] = result.findings
    assert (result.verdict, finding.problem) == ("warning", "vanishing_gradient")
    assert 190 <= finding.step <= 210
    assert finding.layers == [f"layers.{number}" for number in range(4)]
    assert f"from about step {finding.step} on" in result.summary


@pytest.mark.parametrize("loss", [stopping_at(400), stopping_at(60)])
def test_it_is_no_alarm_where_it_did_not_stop_the_loss(loss):
    log = a_log(loss=loss, grad_norm=None, layer_norms=vanishing_from(200))

    [finding] = judge_log(log).findings

    assert (finding.problem, finding.severity) == ("vanishing_gradient", "info")


def test_norms_that_all_fall_with_the_loss_are_convergence():
    fall = 10 ** np.linspace(0, -4, 400)[:, None]
    norms = by_depth(np.random.default_rng(0), 0.9) * fall

    result = judge_log(a_log(grad_norm=None, layer_norms=norms))

    assert (result.verdict, result.findings) == ("healthy", [])
