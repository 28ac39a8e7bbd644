"""Turns pydantic's errors into problems that point into the document as sent."""

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..documents.base import nearest, quoted
from ..documents.pointers import pointer_to
from ..exceptions import MAX_PROBLEMS, Problem
from .entry import LAYERS


def problems_of(
    error: ValidationError, document: Any, prefix: str = ""
) -> list[Problem]:
    """What is wrong in `document`, at most 20 problems.

    Args:
        error: What pydantic raised for the document.
        document: The parsed JSON that was validated.
        prefix: Pointer of `document` inside what the caller sent.
    """
    details = error.errors(include_url=False)[:MAX_PROBLEMS]
    return [_problem(detail, document, prefix) for detail in details]


def _problem(detail: ErrorDetails, document: Any, prefix: str) -> Problem:
    parts = _existing(detail["loc"], document)
    context = detail.get("ctx", {})
    if "key" in context:
        parts.append(context["key"])
    if detail["type"] == "union_tag_invalid" and context.get("discriminator"):
        parts += _tag_key(context, document, parts)
    return Problem(prefix + pointer_to(*parts), _message(detail, context))


def _existing(location: tuple[int | str, ...], document: Any) -> list[str | int]:
    """The parts of a pydantic location that are keys of the document.

    pydantic adds the tags of unions, and the names of missing keys.
    """
    parts: list[str | int] = []
    here: Any = document
    for part in location:
        inside = isinstance(here, dict) and part in here
        if isinstance(here, list) and isinstance(part, int):
            inside = part < len(here)
        if inside:
            here = here[part]
            parts.append(part)
    return parts


def _tag_key(
    context: dict[str, Any], document: Any, parts: list[str | int]
) -> list[str]:
    """The key that holds a union's tag: `type` of a layer, `task` of the data."""
    here = document
    for part in parts:
        here = here[part]
    key = str(context["discriminator"]).strip("'")
    key = "type" if key == "_tag()" else key
    return [key] if isinstance(here, dict) and key in here else []


def _message(detail: ErrorDetails, context: dict[str, Any]) -> str:
    match detail["type"]:
        case "missing":
            return f"needs the key '{detail['loc'][-1]}'"
        case "union_tag_invalid" if context["discriminator"] == "_tag()":
            tag = context["tag"]
            return f"unknown layer type {quoted(tag)}{nearest(tag, [*LAYERS])}"
        case "union_tag_invalid":
            tag, known = context["tag"], context["expected_tags"]
            hint = nearest(tag, known.replace("'", "").split(", "))
            return f"unknown {quoted(tag)}{hint}"
        case "union_tag_not_found":
            key = context["discriminator"].strip("'")
            if key == "_tag()":
                return "a layer needs a 'type' (or 'repeat' with 'body', or 'ref')"
            return f"needs the key '{key}'"
        case _:
            message = detail["msg"]
            return message[0].lower() + message[1:]
