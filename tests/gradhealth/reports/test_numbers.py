import pytest

from gradhealth.reports.numbers import gain, in_plain_text, typeset


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.5, "0.5"),
        (-12.345, "−12.3"),
        (1234.5, "1,234"),
        (2e-5, "2 × 10⁻⁵"),
        (1e-12, "10⁻¹²"),
        (-3.4e7, "−3.4 × 10⁷"),
    ],
)
def test_a_number_is_as_short_as_it_can_be(value, text):
    assert in_plain_text(value) == text


def test_powers_are_raised_in_markup():
    assert typeset(1.13e-12) == "1.1 × 10<sup>−12</sup>"


@pytest.mark.parametrize("value", [None, float("nan"), float("-inf")])
def test_what_is_no_number_is_said_in_words(value):
    assert typeset(value) == "not finite"


def test_a_gain_has_its_sign():
    assert gain(0.25) == "+0.25"
    assert gain(-0.004) == "−0.00"
