"""Specs as text that a person edits: short things on one line, long ones indented."""

import json
from collections.abc import Iterator
from typing import Any

MAX_LINE = 80
INDENT = "  "


def spec_text(value: Any) -> str:
    """JSON in which whatever fits into a line stands on one."""
    return "\n".join(_lines(value, "", ""))


def _lines(value: Any, indent: str, before: str) -> Iterator[str]:
    """The lines of a value that follows `before` on its first one."""
    flat = json.dumps(value, ensure_ascii=False)
    is_whole = not isinstance(value, dict | list) or not value
    is_short = len(indent) + len(before) + len(flat) <= MAX_LINE
    # The outermost object is always opened: its keys are what one looks for.
    if is_whole or (is_short and indent):
        yield indent + before + flat
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield indent + before + opening
    yield from _children(value, indent + INDENT)
    yield indent + closing


def _children(value: dict[str, Any] | list[Any], indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        named = [
            (f"{json.dumps(key, ensure_ascii=False)}: ", child)
            for key, child in value.items()
        ]
    else:
        named = [("", child) for child in value]
    for position, (before, child) in enumerate(named, start=1):
        *first, last = _lines(child, indent, before)
        yield from first
        yield last + ("," if position < len(named) else "")
