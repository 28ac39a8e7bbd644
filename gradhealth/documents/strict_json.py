"""Reads JSON as the standard defines it, and only what a database can store."""

import codecs
import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic_core import from_json

from ..documents.pointers import pointer_to
from ..exceptions import MAX_PROBLEMS, InvalidDocumentError, Problem

_NOT_JSON_NUMBERS = re.compile(rb"\b(?:NaN|Infinity)\b")
# Blurs a text so that what matters in numbers can be searched for at memory speed.
_BLUR = bytes(
    ord("0") if byte in b"0123456789" else ord("e") if byte in b"eE" else ord(" ")
    for byte in range(256)
)


class MalformedJsonError(InvalidDocumentError):
    """A text that is not JSON at all."""

    code = "malformed_json"


def parse_object(text: bytes, *, max_values: int | None = None) -> dict[str, Any]:
    """The object that a JSON text holds.

    Args:
        text: JSON in UTF-8.
        max_values: Refuse a text of more values before it is parsed: a million tiny
            objects take twenty times the memory of their text.

    Raises:
        MalformedJsonError: Not JSON: truncated, not UTF-8, NaN, nested too deeply.
        InvalidDocumentError: JSON, but not an object, or a number overflows a float,
            or a string holds a NUL character, which PostgreSQL cannot store.
    """
    text = text.removeprefix(codecs.BOM_UTF8)
    # Commas in strings are counted too; the bound is far above any honest text's.
    if max_values is not None and text.count(b",") >= max_values:
        message = f"more than {max_values:,} values: send a smaller document"
        raise InvalidDocumentError([Problem("", message)])
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJsonError([Problem("", _advice(text, error))]) from error
    if not isinstance(value, dict):
        raise InvalidDocumentError([Problem("", "expected a JSON object: { ... }")])
    if _is_suspicious(text):
        problems = list(islice(_unstorable(value), MAX_PROBLEMS))
        if problems:
            raise InvalidDocumentError(problems)
    return value


def _advice(text: bytes, error: ValueError) -> str:
    if not text.strip():
        return "expected a JSON object, got nothing"
    if "recursion limit" in str(error):
        return "nested too deeply: at most 200 levels of brackets"
    if _NOT_JSON_NUMBERS.search(text):
        return f"NaN and Infinity are not JSON: write a finite number ({error})"
    return f"not valid JSON, is it complete and UTF-8? ({error})"


def _is_suspicious(text: bytes) -> bool:
    # Values that cannot be stored need an escaped NUL, an exponent of three digits, or
    # hundreds of digits. Nearly every text has none of them, and is not walked through.
    blurred = text.translate(_BLUR, delete=b"+")
    return b"\\u0000" in text or b"e000" in blurred or b"0" * 200 in blurred


def _unstorable(value: dict[str, Any]) -> Iterator[Problem]:
    # Only containers go on the stack: a body may hold millions of numbers.
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while stack:
        path, here = stack.pop()
        pairs = here.items() if isinstance(here, dict) else enumerate(here)
        for key, child in pairs:
            if isinstance(child, dict | list):
                stack.append(((*path, key), child))
            elif isinstance(child, float) and not math.isfinite(child):
                message = "too large for a number: write a finite one"
                yield Problem(pointer_to(*path, key), message)
            if _has_nul(key) or _has_nul(child):
                message = "remove the NUL character (\\u0000)"
                yield Problem(pointer_to(*path, key), message)


def _has_nul(value: Any) -> bool:
    return isinstance(value, str) and "\0" in value
