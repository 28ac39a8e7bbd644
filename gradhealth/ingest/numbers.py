"""Numbers as logs write them."""

from typing import Any

# Words for "nothing was measured", and for truth.
_NOTHING = frozenset({"", "null", "none", "na", "n/a", "<na>", "-"})
_TRUTH = {"true": 1.0, "false": 0.0}


def number_of(value: Any) -> float | None:
    """A number, also from its text; None where there is none.

    Raises:
        ValueError: It is something else than a number.
        OverflowError: An integer too large for a float.
    """
    if isinstance(value, str):
        return _number_in(value)
    if value is None:
        return None
    if isinstance(value, bool | int | float):
        return float(value)
    raise ValueError


def read_text(text: str) -> float | str:
    """The number in a text, or the text where it holds none."""
    try:
        # Python groups digits by underscores, loggers do not.
        return text if "_" in text else float(text)
    except ValueError:
        return text


def _number_in(text: str) -> float | None:
    number = read_text(text)
    if isinstance(number, float):
        return number
    word = text.strip().lower()
    if word in _NOTHING:
        return None
    if word not in _TRUTH:
        raise ValueError
    return _TRUTH[word]


def is_number(text: str) -> bool:
    """Whether a text is a number, finite or not."""
    try:
        return number_of(text) is not None
    except ValueError:
        return False
