"""Lays text out for a terminal."""

import re
from textwrap import wrap

WIDTH = 88
# What steers a terminal: escapes, bells, backspaces, and the direction of writing.
_STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def paragraph(text: str, *, indent: int, hanging: int = 0) -> list[str]:
    """The text in lines of at most 88 characters.

    Args:
        text: Any text.
        indent: Spaces before the first line.
        hanging: Further spaces before the other lines.
    """
    return wrap(
        text.strip(),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
    )


def printable(text: str) -> str:
    """Lines that do nothing to a terminal but appear; others are written out."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)
