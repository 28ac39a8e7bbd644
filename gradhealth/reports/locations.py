"""Where the blame stands in the spec's own text, for reports that point at lines."""

import json
import re
from bisect import bisect_right
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from ..documents.pointers import pointer_to
from ..schemas.analysis import Source
from ..schemas.finding import CauseKind, Finding

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
# What is to blame where it is no layer.
_SETTINGS: Mapping[CauseKind, str] = {
    "learning_rate": "/training/optimizer/lr",
    "optimizer": "/training/optimizer",
    "weight_decay": "/training/optimizer/weight_decay",
    "loss": "/training/loss",
    "clipping": "/training/clip_grad_norm",
    "precision": "/training/precision",
    "initialisation": "/init",
    "input_scale": "/data",
    "target_scale": "/data",
    "data": "/data",
    "labels": "/data",
}


def line_of(finding: Finding, source: Source | None) -> int:
    """The line, from 1, of the layer or the setting that is to blame.

    Args:
        finding: Its cause's first layer counts, else its own first layer.
        source: The file that was analysed; its text is the spec's JSON.

    Returns:
        1 when it cannot be told: for a log, or without the text.
    """
    if source is None or source.text is None:
        return 1
    try:
        document = json.loads(source.text)
    except (ValueError, RecursionError):
        return 1
    return line_at(_blamed(finding, document), source.text)


def line_at(pointer: str, text: str) -> int:
    """The line, from 1, of what a JSON pointer names, or of the nearest thing around.

    Args:
        pointer: RFC 6901; what it names may be missing.
        text: A valid JSON document.
    """
    return lines_at([pointer], text)[0]


def lines_at(pointers: Sequence[str], text: str) -> list[int]:
    """The same for several pointers into one document."""
    lines = dict(_lines_of_pointers(text))
    return [lines[_nearest(pointer, lines)] for pointer in pointers]


def _nearest(pointer: str, known: Container[str]) -> str:
    while pointer not in known:
        pointer = pointer.rpartition("/")[0]
    return pointer


def _blamed(finding: Finding, document: Any) -> str:
    for path in (*finding.cause.layers, *finding.layers):
        return _pointer_of_layer(document, path)
    return _SETTINGS.get(finding.cause.kind, "")


def _pointer_of_layer(document: Any, path: str) -> str:
    """Where the layer of an expanded path (`model.0.17.body.1`) was written.

    A `repeat` takes one part of the path away, its turn; a `ref` continues in its
    definition.
    """
    pointer, here = "", document
    parts = iter(path.split("."))
    for part in parts:
        key = part
        if isinstance(here, dict) and "ref" in here and part == "body":
            pointer = pointer_to("define", here["ref"])
            here = _child(_child(document, "define"), here["ref"])
        elif isinstance(here, dict) and "repeat" in here and part != "body":
            key = next(parts, "")
        pointer += pointer_to(key)
        here = _child(here, key)
    return pointer


def _child(here: Any, key: str) -> Any:
    if isinstance(here, list) and key.isdecimal() and int(key) < len(here):
        return here[int(key)]
    return here.get(key) if isinstance(here, dict) else None


def _lines_of_pointers(text: str) -> Iterator[tuple[str, int]]:
    """JSON pointers of everything in a valid document, with the lines they start at."""
    line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
    brackets: list[str] = []
    keys: list[str | int] = []  # the current one in each open bracket
    is_key = False
    for match in _TOKEN.finditer(text):
        symbol = match.group()
        if symbol == ",":
            is_key = brackets[-1] == "{"
            if not is_key:
                keys[-1] = int(keys[-1]) + 1
        elif symbol == ":":
            is_key = False
        elif symbol in "]}":
            brackets.pop()
            keys.pop()
        elif is_key:
            keys[-1] = json.loads(symbol)
        else:
            yield pointer_to(*keys), bisect_right(line_starts, match.start())
            if symbol in "[{":
                brackets.append(symbol)
                keys.append(0)
                is_key = symbol == "{"
