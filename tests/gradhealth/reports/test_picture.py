import math

import pytest

from gradhealth.reports.picture import picture_backward_gain
from gradhealth.schemas.analysis import (
    LayerStatistics,
    LayerTheory,
    Spread,
    Stages,
    Theory,
)


def layers(*gains):
    return [
        LayerStatistics(
            path=f"model.{depth}",
            type="Linear",
            depth=depth,
            backward_gain=Stages(start=Spread(mean=gain)),
        )
        for depth, gain in enumerate(gains)
    ]


def theory(*gains):
    return Theory(
        layers=[
            LayerTheory(path=f"model.{depth}", backward_gain=gain)
            for depth, gain in enumerate(gains)
        ]
    )


def test_measured_and_predicted_stand_on_a_logarithmic_axis():
    lines = picture_backward_gain(layers(1e-4, 1e-2, 1.0), theory(1e-2, 1e-2, None))

    assert lines == [
        "  1e+00 ┤       ●",
        "  1e-01 ┤",
        "  1e-02 ┤ ○  ◉",
        "  1e-03 ┤",
        "  1e-04 ┤ ●",
        "        └─────────",
        "         model.0   model.2",
        "         ● measured   ○ theory   ◉ both",
    ]


def test_without_a_measurement_there_is_no_picture():
    plain = LayerStatistics(path="model.0", type="Linear", depth=0)

    assert picture_backward_gain([], None) == []
    assert picture_backward_gain([plain], None) == []


def test_gains_that_are_not_finite_do_not_bend_the_axis():
    lines = picture_backward_gain(layers(math.inf, 100.0, math.nan, 1.0, 0.0), None)

    assert lines[:3] == ["  1e+02 ┤ ●  ●", "  1e+01 ┤", "  1e+00 ┤          ●  ●"]


@pytest.mark.parametrize("gains", [(0.0,), (math.inf,), (math.nan, 0.0)])
def test_without_a_single_finite_gain_there_is_no_picture(gains):
    assert picture_backward_gain(layers(*gains), None) == []


@pytest.mark.parametrize("num_layers", [1, 2, 59, 60, 61, 2000])
def test_it_stays_small_for_any_depth(num_layers):
    gains = [1e-40 ** (depth / num_layers) for depth in range(num_layers)]

    lines = picture_backward_gain(layers(*gains), theory(*gains))

    assert len(lines) <= 12
    assert all(len(line) <= 80 for line in lines)
    assert any("◉" in line for line in lines)
