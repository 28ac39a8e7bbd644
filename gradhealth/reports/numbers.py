"""Numbers as they are set in print."""

import math

from markupsafe import Markup, escape

# Between these, digits are read more easily than powers of ten.
PLAIN_RANGE = (1e-3, 1e4)
# Three digits of what is larger would hide digits before the point.
LONG = 999.5
NOT_FINITE = "not finite"
_TIMES, _MINUS = " × ", "−"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def significant(value: float | None) -> str:
    """Three digits, as a program would read them."""
    return NOT_FINITE if value is None else f"{value:.3g}"


def typeset(value: float | None) -> Markup:
    """Up to three digits; very large and very small numbers with a power of ten."""
    if value is None or not math.isfinite(value):
        return escape(NOT_FINITE)
    digits, power = _parts(value)
    if power is None:
        return escape(digits)
    return Markup("{}{}10<sup>{}</sup>").format(digits, _TIMES, _minus(power))


def gain(value: float) -> str:
    """A difference with its sign and two decimals."""
    return _minus(f"{value:+.2f}") if math.isfinite(value) else NOT_FINITE


def in_plain_text(value: float) -> str:
    """The same where markup has no meaning, as in a picture."""
    digits, power = _parts(value)
    if power is None:
        return digits
    raised = f"10{power.translate(_SUPERSCRIPT)}"
    return raised if digits == "1" else digits + _TIMES + raised


def _parts(value: float) -> tuple[str, str | None]:
    low, high = PLAIN_RANGE
    if value == 0 or low < abs(value) < high:
        is_long = abs(value) >= LONG
        return _minus(f"{value:,.0f}" if is_long else f"{value:.3g}"), None
    digits, _, power = f"{value:.1e}".partition("e")
    return _minus(digits.removesuffix(".0")), str(int(power))


def _minus(text: str) -> str:
    return text.replace("-", _MINUS)
