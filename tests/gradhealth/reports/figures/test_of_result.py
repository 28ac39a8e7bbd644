import pytest

from gradhealth.reports.facts import facts_of
from gradhealth.reports.figures.of_result import figures_of
from gradhealth.schemas.analysis import (
    LayerStatistics,
    LayerTheory,
    Result,
    Spread,
    Stages,
    Theory,
)
from gradhealth.schemas.curve import Curve, LayerCurve
from tests.support.results import a_result


def a_layer(depth, **statistics):
    return LayerStatistics(
        path=f"model.{depth}",
        type="Linear",
        depth=depth,
        **{
            name: Stages(start=Spread(mean=value, spread=0.1))
            for name, value in statistics.items()
        },
    )


def figures(**parts):
    result = Result(verdict="healthy", summary="", **parts)
    return {figure.title: figure for figure in figures_of(result)}


def test_nothing_measured_is_nothing_drawn():
    assert figures() == {}
    assert facts_of(Result(verdict="healthy", summary="")) == []


def test_layers_have_the_same_number_in_every_figure():
    layers = [
        a_layer(0, backward_gain=0.1, forward_std=1.0),
        a_layer(1, forward_std=1.0),
        a_layer(2, backward_gain=1.0, forward_std=1.0),
    ]

    drawn = figures(layers=layers)

    assert [*drawn["Backward gain by depth"].x_names] == [1, 3]
    assert [*drawn["Forward signal by depth"].x_names] == [1, 2, 3]


def test_theory_stands_beside_what_was_measured():
    layers = [a_layer(0, backward_gain=0.1), a_layer(1, backward_gain=1.0)]
    predicted = LayerTheory(path="model.0", backward_gain=0.2)

    chart = figures(layers=layers, theory=Theory(layers=[predicted]))[
        "Backward gain by depth"
    ]

    assert [line.label for line in chart.lines] == ["theory", "at the start"]
    assert chart.lines[0].points[0].y == 0.2


def test_theory_predicts_the_gain_over_time_too():
    curve = Curve(steps=[1, 2], mean=[0.6, 0.3], spread=[None, None])

    chart = figures(
        curves={"temporal_gain": curve}, theory=Theory(temporal_factor=0.5)
    )["Temporal gain by lag"]

    assert [point.y for point in chart.lines[0].points] == [0.5, 0.25]


@pytest.mark.parametrize(("share", "is_drawn"), [(0.005, False), (0.2, True)])
def test_shares_that_nobody_would_see_are_not_drawn(share, is_drawn):
    layers = [a_layer(depth, dead_fraction=share) for depth in range(2)]

    assert ("Dead units" in figures(layers=layers)) is is_drawn


@pytest.mark.parametrize(("last", "is_log"), [(0.1, False), (1e6, True)])
def test_a_diverging_loss_is_drawn_on_a_logarithmic_axis(last, is_log):
    curve = Curve(steps=[0, 1], mean=[2.3, last], spread=[None, None])

    assert figures(curves={"loss": curve})["Loss"].is_log is is_log


def test_the_facts_say_what_each_number_is_held_against():
    facts = {fact.label: fact for fact in facts_of(a_result())}

    assert facts["Backward gain, first layer"].reference == 1e-12
    assert facts["Progress by the best fix"].value == 0.97
    assert facts["Progress by the best fix"].note == "ReLU"


def test_the_norm_of_all_gradients_is_drawn_where_no_layer_has_its_own():
    norms = Curve(steps=[0, 1], mean=[2.0, None], spread=[None, None])

    assert [*figures(curves={"grad_norm": norms})] == ["Gradient norm"]
    by_layer = LayerCurve(steps=[0], layers=["model.0"], mean=[[1.0]])
    drawn = figures(curves={"grad_norm": norms}, layer_curves={"grad_norm": by_layer})
    assert [*drawn] == ["Gradient norm by layer and step"]
