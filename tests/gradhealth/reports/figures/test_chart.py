import math

import pytest

from gradhealth.reports.figures.axes import Axis
from gradhealth.reports.figures.chart import BOTTOM, TOP, Chart
from gradhealth.reports.figures.marks import Level, Line, Point, Zone

VANISHED, EXPLODED = Level("vanished", 1e-3), Level("exploded", 1e3)


def a_chart(*values, **rest):
    points = [Point(x, y) for x, y in enumerate(values)]
    words = dict.fromkeys(("title", "description", "x_label", "y_label"), "")
    return Chart(**words, lines=[Line("a", "measured", points)], **rest)


def test_levels_that_the_points_do_not_reach_are_left_out():
    chart = a_chart(1e-12, 1.0, levels=[VANISHED, EXPLODED], is_log=True)

    assert chart.shown_levels == [VANISHED]


def test_healthy_points_are_seen_between_all_levels():
    chart = a_chart(0.5, 1.0, levels=[VANISHED, EXPLODED], is_log=True)

    assert chart.shown_levels == [VANISHED, EXPLODED]
    assert TOP <= chart.y_axis.at(1e3) < chart.y_axis.at(1e-3) <= BOTTOM


def test_a_zone_is_seen_as_a_whole():
    chart = a_chart(1e-9, zone=Zone("healthy", 2e-5, 2e-2), is_log=True)

    assert chart.y_axis.at(2e-2) < chart.y_axis.at(2e-5) < chart.y_axis.at(1e-9)


def test_zero_lies_below_everything_on_a_logarithmic_axis():
    chart = a_chart(0.0, 1e-3, 1.0, is_log=True)

    assert chart.y_axis.at(0.0) == BOTTOM > chart.y_axis.at(1e-3)


def test_a_line_breaks_where_a_value_is_missing_and_is_crossed_where_it_broke():
    chart = a_chart(1.0, math.nan, 2.0, math.inf)

    assert chart.path(chart.lines[0]).count("M") == 2
    assert chart.crosses(chart.lines[0]) == [chart.x_axis.at(3)]


def test_a_label_stands_where_the_line_is_not():
    falling = a_chart(*range(20, 0, -1), levels=[Level("here", 19.0)])
    rising = a_chart(*range(1, 21), levels=[Level("here", 19.0)])

    assert falling.label_of(19.0).anchor == "end"
    assert rising.label_of(19.0).anchor == "start"


def test_many_points_have_no_dots():
    assert len(a_chart(1.0, 2.0).dots(a_chart(1.0, 2.0).lines[0])) == 2
    chart = a_chart(*range(50))
    assert chart.dots(chart.lines[0]) == []


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 199), (1, 41), (3, 3)])
def test_steps_and_layers_are_labelled_by_whole_numbers(low, high):
    ticks = Axis.over([low, high], 0, 100, is_whole=True).ticks

    assert 1 < len(ticks) <= 6
    assert all(float(tick.label).is_integer() for tick in ticks)


def test_an_axis_of_nothing_is_drawn():
    assert Axis.over([], 0, 100).ticks
    assert Axis.over([math.nan], 0, 100, is_log=True).ticks
