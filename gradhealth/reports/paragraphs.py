"""Lays text out for a terminal."""

from textwrap import wrap

WIDTH = 88


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
