"""Specs for tests of the core, and what is wrong with them."""

from typing import Any

from gradhealth.architecture.network import resolve
from gradhealth.exceptions import InvalidDocumentError, Problem

LINEAR = {"type": "Linear", "out_features": 4}


def classify(*layers: Any, **fields: Any) -> dict[str, Any]:
    """The layers before a read-out of 4 classes, on 16 features."""
    return {"data": {"task": "clusters"}, "model": [*layers, LINEAR], **fields}


def problems_in(document: dict[str, Any], pointer: str = "") -> list[Problem]:
    """What `resolve` refuses the document for; empty when it does not."""
    try:
        resolve(document, pointer=pointer)
    except InvalidDocumentError as error:
        return error.problems
    return []


def value_at(document: Any, pointer: str) -> Any:
    """What an RFC 6901 pointer points to; KeyError or IndexError when nothing."""
    here = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        here = here[int(key)] if isinstance(here, list) else here[key]
    return here
