import math
from itertools import pairwise

from gradhealth.reports.figures.heat_map import HeatMap


def a_map(values, **changes):
    num_layers = len(values[0])
    parts = {
        "title": "",
        "description": "",
        "value_label": "norm",
        "steps": range(len(values)),
        "layers": [f"layer {n}" for n in range(num_layers)],
        "numbers": range(1, num_layers + 1),
        "values": values,
    }
    return HeatMap(**(parts | changes))


def test_neighbours_of_one_colour_are_one_rectangle():
    drawing = a_map([[1e-6, 1.0]] * 100)

    assert len(drawing.areas) == 2
    assert all(d.count("M") == 1 for _, d in drawing.areas)


def test_small_is_dark_and_large_is_bright():
    drawing = a_map([[1e-6], [1.0]])

    colours = dict(map(reversed, drawing.areas))
    assert set(colours.values()) == {"#00204c", "#ffe945"}


def test_what_was_not_measured_is_blank_and_what_is_not_finite_is_marked():
    drawing = a_map([[None, math.nan, 1.0]])

    assert "" in dict(drawing.areas)
    assert sum(d.count("M") for _, d in drawing.areas) == 2
    assert drawing.has_non_finite


def test_the_first_and_the_last_layer_are_numbered_and_numbers_keep_apart():
    for num_layers in (1, 2, 7, 120):
        ticks = a_map([[1.0] * num_layers]).row_ticks
        places = [tick.position for tick in ticks]

        assert (ticks[0].label, ticks[-1].label) == ("1", str(num_layers))
        assert all(b - a > 10 for a, b in pairwise(places))
